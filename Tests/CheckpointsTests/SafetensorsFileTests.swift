import Testing

@testable import Checkpoints

struct SafetensorsFileTests {
  @Test func tensorsAreDescribedInTheOrderOfTheirBytes() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.safetensors(
      "a.safetensors",
      #"{"b":{"dtype":"I64","shape":[],"data_offsets":[24,32]},"__metadata__":{"format":"pt","k":"v"},"#
        + #""a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"empty":{"dtype":"BOOL","shape":[0,5],"#
        + #""data_offsets":[24,24]},"c":{"dtype":"F8_E4M3","shape":[1,3],"data_offsets":[32,35],"more":1}}  "#, data: 35
    )
    let file = try Checkpoint.open(path)
    #expect(
      file.tensors == [
        TensorDescription(name: "a", type: .float32, shape: [2, 3]),
        TensorDescription(name: "empty", type: .bool, shape: [0, 5]),
        TensorDescription(name: "b", type: .int64, shape: []),
        TensorDescription(name: "c", type: .float8e4m3, shape: [1, 3]),
      ])
    #expect(file.metadata == ["format": "pt", "k": "v"])
    #expect(file.path == path && file.files == [path])
    #expect(file.description(of: "b")?.byteCount == 8)
    #expect(file.description(of: "x") == nil)
    #expect(try Array(file.bytes(of: "b")) == Array(24..<32))
    #expect(try Array(file.bytes(of: "c")) == [32, 33, 34])
    #expect(try file.bytes(of: "empty").isEmpty)
    #expect(try file.region(of: "b")?.file.path == path)
    #expect(try file.header(of: path)?.count == directory.read("a.safetensors").count - 35)
    #expect(file.header(of: "another") == nil)
  }

  @Test func elementsAreReadAsFloat() throws {
    let directory = try TemporaryDirectory()
    let values: [Float] = [1.5, -2, 0, 65504, 0.125, 3]
    for type in ElementType.allCases where type.isFloat {
      let bytes = type.bytes(of: values)
      let header = #"{"t":{"dtype":"\#(type.rawValue)","shape":[2,3],"data_offsets":[0,\#(bytes.count)]}}"#
      let path = try directory.safetensors("t.safetensors", header)
      try directory.write("t.safetensors", contents(path) + bytes)
      let file = try Checkpoint.open(path)
      #expect(try file.floats("t") == (type == .bfloat16 ? [1.5, -2, 0, 65536, 0.125, 3] : values), "\(type)")
      var some = [Float](repeating: 0, count: 2)
      try some.withUnsafeMutableBufferPointer { try file.read("t", elements: 4..<6, into: $0) }
      #expect(some == [0.125, 3])
    }
  }

  @Test func whatCannotBeReadAsFloatIsNamed() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.safetensors(
      "t.safetensors", #"{"t":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}"#, data: 4)
    let file = try Checkpoint.open(path)
    #expect(message { try file.floats("t") } == "\(path): tensor 't' holds I32, expected F32, BF16, F16 or F64")
    #expect(message { try file.floats("x\n") } == "\(path): there is no tensor 'x\u{FFFD}'")
    #expect(throws: CheckpointError.missingTensor(path: path, tensor: "x")) { try file.bytes(of: "x") }
  }

  private static func tensor(_ name: String, _ dtype: String, _ shape: String, _ offsets: String) -> String {
    #""\#(name)":{"dtype":"\#(dtype)","shape":[\#(shape)],"data_offsets":[\#(offsets)]}"#
  }

  private static let damaged: [(header: String, data: Int, message: String)] = [
    ("{", 0, "not a readable safetensors file: header: expected a key in '\"', found the end at column 2"),
    ("[]", 0, "not a readable safetensors file: its header is no JSON object"),
    ("{} x", 0, "not a readable safetensors file: header: expected nothing more at column 4"),
    (
      "{\(tensor("a", "U8", "2", "0,2")),\(tensor("a", "U8", "2", "2,4"))}", 4,
      "not a readable safetensors file: header: the key \"a\" a second time at column 54"
    ),
    (
      "{\(tensor("\u{E9}", "U8", "2", "0,2")),\(tensor("e\u{301}", "U8", "2", "2,4"))}", 4,
      "tensor 'e\u{301}': another tensor has this name"
    ),
    (#"{"__metadata__":[]}"#, 0, "not a readable safetensors file: __metadata__ is no JSON object"),
    (#"{"__metadata__":{"a":1}}"#, 0, "not a readable safetensors file: __metadata__ holds more than texts"),
    (#"{"a":[1]}"#, 0, "tensor 'a': 'dtype' is missing or no text"),
    (#"{"a":{"dtype":1}}"#, 0, "tensor 'a': 'dtype' is missing or no text"),
    ("{\(tensor("a", "F4", "2", "0,1"))}", 1, "tensor 'a': type 'F4' is not known"),
    (#"{"a":{"dtype":"U8","data_offsets":[0,1]}}"#, 1, "tensor 'a': 'shape' is missing or not a list of sizes"),
    ("{\(tensor("a", "U8", "-1,-1", "0,1"))}", 1, "tensor 'a': 'shape' is missing or not a list of sizes"),
    ("{\(tensor("a", "U8", "1.0", "0,1"))}", 1, "tensor 'a': 'shape' is missing or not a list of sizes"),
    (
      "{\(tensor("a", "U8", "18446744073709551617", "0,1"))}", 1,
      "tensor 'a': 'shape' is missing or not a list of sizes"
    ),
    (
      "{\(tensor("a", "U8", repeatElement("1", count: 65).joined(separator: ","), "0,1"))}", 1,
      "tensor 'a': 65 dimensions, expected at most 64"
    ),
    (#"{"a":{"dtype":"U8","shape":[1]}}"#, 1, "tensor 'a': 'data_offsets' is missing or not a beginning and an end"),
    ("{\(tensor("a", "U8", "1", "0,1,1"))}", 1, "tensor 'a': 'data_offsets' is missing or not a beginning and an end"),
    ("{\(tensor("a", "U8", "1", "0,1e0"))}", 1, "tensor 'a': 'data_offsets' is missing or not a beginning and an end"),
    ("{\(tensor("a", "U8", "1", "-1,0"))}", 1, "tensor 'a': 'data_offsets' is missing or not a beginning and an end"),
    ("{\(tensor("a", "U8", "1", "1,0"))}", 1, "tensor 'a': begins at byte 1 and ends before, at 0"),
    (
      "{\(tensor("a", "U8", "4294967296,4294967296", "0,0"))}", 0,
      "tensor 'a': shape [4294967296, 4294967296] is larger than any memory"
    ),
    (
      "{\(tensor("a", "F64", "2305843009213693952", "0,0"))}", 0,
      "tensor 'a': shape [2305843009213693952] is larger than any memory"
    ),
    ("{\(tensor("a", "F32", "2", "0,4"))}", 4, "tensor 'a': F32 of shape [2] takes 8 bytes, but 4 are given"),
    (
      "{\(tensor("a", "U8", "4", "0,4"))}", 3,
      "tensor 'a': ends at byte 4 of the data, but the file ends at 3: it is cut off or damaged"
    ),
    (
      "{\(tensor("a", "U8", "1", "9223372036854775806,9223372036854775807"))}", 1,
      "tensor 'a': ends at byte 9223372036854775807 of the data, but the file ends at 1: it is cut off or damaged"
    ),
    (
      "{\(tensor("a", "U8", "3", "0,3")),\(tensor("b", "U8", "2", "2,4"))}", 4,
      "tensor 'b': shares bytes with another tensor"
    ),
    (
      "{\(tensor("a", "U8", "2", "0,2")),\(tensor("b", "U8", "2", "0,2"))}", 2,
      "tensor 'b': shares bytes with another tensor"
    ),
    (
      "{\(tensor("a", "U8", "2", "0,2")),\(tensor("b", "U8", "2", "3,5"))}", 5,
      "tensor 'b': the 1 bytes before it belong to no tensor"
    ),
    (
      "{\(tensor("a", "U8", "2", "0,2"))}", 5,
      "not a readable safetensors file: 3 bytes after the last tensor belong to no tensor"
    ),
  ]

  @Test func damagedFilesAreRefused() throws {
    let directory = try TemporaryDirectory()
    for (header, data, expected) in Self.damaged {
      let path = try directory.safetensors("t.safetensors", header, data: data)
      #expect(message { try Checkpoint.open(path) } == "\(path): \(expected)")
    }
  }

  @Test func damagedLengthsAreRefused() throws {
    let directory = try TemporaryDirectory()
    func open(_ length: UInt64) throws -> String {
      let path = try directory.safetensors("t.safetensors", "{}", headerLength: length)
      return message { try Checkpoint.open(path) }
    }
    let path = directory.file("t.safetensors")
    let prefix = "\(path): not a readable safetensors file: "
    #expect(try open(2) == "no error")
    #expect(try open(0) == prefix + "header: expected a value, found the end at column 1")
    #expect(try open(3) == prefix + "it ends after 10 bytes, inside its header of 11 bytes")
    #expect(try open(100_000_001) == prefix + "its first 8 bytes are no length of a header")
    #expect(try open(.max) == prefix + "its first 8 bytes are no length of a header")
    #expect(try open(.max - 7) == prefix + "its first 8 bytes are no length of a header")
    for count in 0..<8 {
      try directory.write("t.safetensors", [UInt8](repeating: 0, count: count))
      #expect(message { try Checkpoint.open(path) } == prefix + "it has \(count) bytes, too few for a header")
    }
  }

  /// Whatever happens to a file, opening it ends in tensors or an error.
  @Test func damagedBytesNeverCrash() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.safetensors(
      "t", "{\(Self.tensor("a", "F32", "2,3", "0,24")),\(Self.tensor("b", "BF16", "5", "24,34"))}", data: 34)
    let bytes = try contents(path)
    var generator = SystemRandomNumberGenerator()
    var refused = 0
    for _ in 0..<1000 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...2, using: &generator) {
        let at = Int.random(in: 0..<damaged.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: damaged.removeLast(damaged.count - at)
        case 1: damaged.insert(UInt8.random(in: 0x2C...0x39, using: &generator), at: at)
        default: damaged[at] = UInt8.random(in: 0...255, using: &generator)
        }
        if damaged.isEmpty { break }
      }
      try directory.write("t", damaged)
      do {
        let file = try Checkpoint.open(path)
        for tensor in file.tensors where tensor.type.isFloat { _ = try file.floats(tensor.name) }
      } catch { refused += 1 }
    }
    #expect(refused > 200)
  }

  /// Nothing times an absurd size is nothing, but no order of the sizes may be multiplied without care.
  @Test func emptyTensorsOfAbsurdShapes() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.safetensors(
      "a.safetensors", #"{"t": {"dtype": "F32", "shape": [0, 1099511627776, 1099511627776], "data_offsets": [0, 0]}}"#)
    #expect(message { try Checkpoint.open(path) }.contains("larger than any memory"))
    let small = try directory.safetensors(
      "b.safetensors", #"{"t": {"dtype": "F32", "shape": [0, 3], "data_offsets": [0, 0]}}"#)
    #expect(try Checkpoint.open(small).bytes(of: "t").isEmpty)
  }
}
