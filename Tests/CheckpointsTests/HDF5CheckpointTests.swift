import Files
import Foundation
import HDF5Fixtures
import Testing

@testable import Checkpoints

/// Files made by hand.
struct HDF5CheckpointTests {
  private typealias Fixture = HDF5Fixture

  private func open(_ bytes: [UInt8]) throws -> HDF5Checkpoint {
    let directory = try TemporaryDirectory()
    return try HDF5Checkpoint(directory.write("f.h5", bytes))
  }

  /// What opening the file says, without the path; reading every tensor if it opens.
  private func complaint(_ bytes: [UInt8], asking name: String? = nil) throws -> String {
    let directory = try TemporaryDirectory()
    let path = try directory.write("f.h5", bytes)
    let found = message {
      let file = try HDF5Checkpoint(path)
      for tensor in file.tensors { _ = try file.bytes(of: tensor.name) }
      if let name { _ = try file.contents(of: name) }
    }
    guard found.hasPrefix(path + ": ") else { return found }
    return String(found.dropFirst(path.count + 2))
  }

  /// A file with one object, "x", beside a good one, "good".
  private func file(with messages: [Fixture.Message]) -> [UInt8] {
    var fixture = Fixture()
    let good = fixture.dataset([1, 2])
    let object = fixture.object(messages)
    let root = fixture.group([("good", .object(good)), ("x", .object(object))])
    return fixture.file(root: root)
  }

  // MARK: - What is read

  @Test func groupsAndDatasets() throws {
    var fixture = Fixture()
    let a = fixture.dataset([1, 2, 3, 4, 5, 6], shape: [2, 3])
    let b = fixture.dataset([7], shape: [])
    let empty = fixture.object([
      Fixture.dataspace([0, 4]), Fixture.float32, Fixture.contiguous(at: Fixture.undefined, count: 0),
    ])
    let inner = fixture.group([("b", .object(b)), ("none", .object(empty))])
    let root = fixture.group([("a", .object(a)), ("inner", .object(inner)), ("again", .object(a))])
    for version: UInt8 in [0, 2, 3] {
      let file = try open(fixture.file(root: root, version: version))
      #expect(file.tensors.map(\.name) == ["inner/none", "a", "again", "inner/b"])
      #expect(file.description(of: "a")?.shape == [2, 3])
      #expect(file.description(of: "inner/b")?.shape == [])
      #expect(file.description(of: "inner/none")?.shape == [0, 4])
      #expect(try file.floats("a") == [1, 2, 3, 4, 5, 6])
      #expect(try file.floats("again") == [1, 2, 3, 4, 5, 6])
      #expect(try file.floats("inner/b") == [7])
      #expect(try file.floats("inner/none").isEmpty)
      #expect(file.description(of: "inner") == nil)
      #expect(file.metadata.isEmpty && file.settings.isEmpty)
      #expect(throws: CheckpointError.missingTensor(path: file.path, tensor: "c")) { try file.contents(of: "c") }
    }
  }

  @Test func elementTypes() throws {
    for (size, signed, type): (Int, Bool, ElementType) in [
      (1, true, .int8), (2, true, .int16), (4, true, .int32), (8, true, .int64), (1, false, .uint8),
      (2, false, .uint16), (4, false, .uint32), (8, false, .uint64),
    ] {
      let data = [UInt8](1...UInt8(size))
      let messages = [Fixture.dataspace([1]), Fixture.integer(size, signed: signed), Fixture.compact(data)]
      let plain = try open(file(with: messages))
      #expect(plain.description(of: "x")?.type == type)
      #expect(try plain.bytes(of: "x") == data)
      for other in HDF5Checkpoint.namedTypes {
        let dtype = Fixture.attribute("dtype", texts: [other.torchName], isList: false)
        let bytes = file(with: messages + [dtype])
        if !signed && size == other.size {
          #expect(try open(bytes).description(of: "x")?.type == other)
        } else if !signed && size != 4 {
          #expect(
            try complaint(bytes, asking: "x")
              == "tensor 'x': its attribute says \(other.torchName), but its elements have \(size) bytes")
        } else {
          #expect(try open(bytes).description(of: "x")?.type == type)
        }
      }
      #expect(try open(file(with: messages + [Fixture.attribute("dtype", texts: ["<f4"])])).tensors.count == 2)
    }
  }

  @Test func attributesOfTheRoot() throws {
    var fixture = Fixture()
    let heap = fixture.globalHeap(["{\"n_layer\": 2}", "é"])
    let root = fixture.group(
      [],
      attributes: [
        Fixture.attribute("layer_names", texts: ["transformer", "head"]),
        Fixture.attribute("backend", texts: ["tensorflow"], isList: false),
        Fixture.attribute("config", heap: heap, object: 1, count: 14),
        Fixture.attribute("letter", heap: heap, object: 2, count: 2),
        Fixture.attribute("nothing", heap: Fixture.undefined, object: 0, count: 0),
        Fixture.attribute("count", Fixture.integer(4, signed: true), [], Fixture.number(-7, 4)),
        Fixture.attribute("huge", Fixture.integer(8), [], Fixture.number(-1, 8)),
        Fixture.attribute("scale", Fixture.float32, [2], Fixture.bytes([0.5, -2])),
        Fixture.attribute("matrix", Fixture.float32, [1, 1], Fixture.bytes([1])),
      ])
    let file = try open(fixture.file(root: root))
    #expect(file.metadata["backend"] == "tensorflow" && file.metadata["letter"] == "é")
    #expect(
      file.settings == [
        "layer_names": .array([.string("transformer"), .string("head")]), "backend": .string("tensorflow"),
        "config": .object(["n_layer": .integer(2)]), "letter": .string("é"), "nothing": .string(""),
        "count": .integer(-7), "huge": .number(0x1p64),
        "scale": .array([.number(0.5), .number(-2)]),
      ])
  }

  /// Two names of the same letters: "é" as one character, and as a letter with an accent.
  /// Keras' layout: a list of weights in each layer's group, split where it would be too long for an attribute.
  private func keras(_ listed: [String], links extra: [(String, Fixture.Link)] = []) -> [UInt8] {
    var fixture = Fixture()
    let (w, b) = (fixture.dataset([1, 2]), fixture.dataset([3]))
    let attributes = listed.enumerated().map { Fixture.attribute("weight_names\($0)", texts: [$1]) }
    let layer = fixture.group(extra + [("w:0", .object(w)), ("b:0", .object(b))], attributes: attributes)
    let names = Fixture.attribute("layer_names", texts: ["layer"])
    let root = fixture.group([("layer", .object(layer))], attributes: [names])
    return fixture.file(root: root)
  }

  @Test func weightsThatKerasLists() throws {
    let file = try open(keras(["w:0", "b:0"]))
    #expect(file.settings["weight_names"] == .object(["layer": .array([.string("w:0"), .string("b:0")])]))
    #expect(try file.floats("layer/w:0") == [1, 2])
    #expect(
      try complaint(keras(["w:0", "gone"])) == "tensor 'layer/gone': listed in weight_names, but not in the file")
    #expect(
      try complaint(keras(["link"], links: [("link", .soft("/nowhere"))]))
        == #"tensor 'layer/link': a soft link to "/nowhere", which is no dataset of the file"#)
    #expect(try open(keras(["link"], links: [("link", .soft("w:0"))])).floats("layer/link") == [1, 2])
  }

  /// Chunks of every list make the same tensor; a transposed view of it is a view of the unpacked one.
  @Test(arguments: Fixture.ChunkList.allCases.filter { $0 != .single })
  func tensorsInChunks(list: HDF5Fixture.ChunkList) throws {
    var fixture = Fixture()
    let chunks = (0..<4).map { number in
      let place = [number / 2, number % 2]
      let values = (0..<6).map { Float(10 * (2 * place[0] + $0 / 3) + 3 * place[1] + $0 % 3) }
      return Fixture.Chunk(place, Fixture.bytes(values))
    }
    let layout = fixture.chunked(list, chunks, chunk: [2, 3], grid: [2, 2], elementSize: 4)
    let limits: [Int?] = list == .extensibleArray ? [nil, 5] : list == .treeVersion2 ? [nil, nil] : [3, 5]
    let x = fixture.object([Fixture.dataspace([3, 5], limits: limits), Fixture.float32, layout])
    let good = fixture.dataset([1, 2])
    let root = fixture.group([("good", .object(good)), ("x", .object(x))])
    let file = try open(fixture.file(root: root))
    #expect(file.description(of: "x") == TensorDescription(name: "x", type: .float32, shape: [3, 5]))
    #expect(try file.floats("x") == (0..<15).map { Float(10 * ($0 / 5) + $0 % 5) })
    let turned = try file.contents(of: "x").viewed { $0.permuting([1, 0]) }
    var column = [Float](repeating: 0, count: 3)
    try column.withUnsafeMutableBytes { try turned.copy(3..<6, into: $0) }
    #expect(column == [1, 11, 21])
    #expect(try file.contents(of: "x").isSame(as: file.contents(of: "x")))
    #expect(try file.floats("good") == [1, 2])
  }

  @Test func elementsThatWereNeverWritten() throws {
    var fixture = Fixture()
    let layout = fixture.chunked(
      .treeVersion1, [Fixture.Chunk([1], Fixture.bytes([5, 6]))], chunk: [2], grid: [3], elementSize: 4)
    let x = fixture.object([
      Fixture.dataspace([5]), Fixture.float32, layout, Fixture.fillValue(Fixture.bytes([7])),
    ])
    let root = fixture.group([("x", .object(x))])
    #expect(try open(fixture.file(root: root)).floats("x") == [7, 7, 5, 6, 7])
  }

  // MARK: - What is refused by name, when it is asked for

  @Test func datasetsThatAreNoTensors() throws {
    let (space, float) = (Fixture.dataspace([1]), Fixture.float32)
    let place = Fixture.contiguous(at: 96, count: 4)
    let refused: [([Fixture.Message], String)] = [
      ([space, Fixture.text5, Fixture.compact([1, 2, 3, 4, 5])], "it holds texts, expected numbers"),
      (
        [space, Fixture.integer(4, bigEndian: true), Fixture.compact([1, 2, 3, 4])],
        "it holds big-endian integers, expected plain little-endian numbers"
      ),
      (
        [space, (.datatype, [0x16, 0, 0, 0, 8, 0, 0, 0]), place],
        "it holds compound values, expected numbers"
      ),
      ([space, float, place, (.externalFiles, [])], "its elements are in other files, which are not opened"),
      (
        [space, float, (.layout, [4, 3])],
        "its elements are those of other datasets (a virtual one); "
          + "rewrite the file with: h5repack -f NONE -l CONTI in.h5 out.h5"
      ),
      (
        [Fixture.dataspace([1 << 31, 1 << 31]), float, place],
        "shape [2147483648, 2147483648] is larger than any memory"
      ),
      ([space, float, Fixture.contiguous(at: Fixture.undefined, count: 4)], "its elements were never written"),
    ]
    for (messages, reason) in refused {
      let bytes = file(with: messages)
      #expect(try open(bytes).tensors.map(\.name) == ["good"])
      #expect(try complaint(bytes, asking: "x") == "tensor 'x': \(reason)")
    }
  }

  /// A file that has only such datasets is refused at once.
  @Test func filesWithoutTensors() throws {
    var fixture = Fixture()
    let virtual = fixture.object([Fixture.dataspace([1]), Fixture.float32, (.layout, [4, 3])])
    let root = fixture.group([("x", .object(virtual))])
    #expect(try complaint(fixture.file(root: root)).hasPrefix("tensor 'x': its elements are those of other datasets"))
  }

  /// A type with a name is no dataset.
  @Test func aUserBlock() throws {
    let good = file(with: [
      Fixture.dataspace([1]), Fixture.float32, Fixture.compact(Fixture.bytes([5])),
    ])
    for size in [512, 1024, 4096] {
      var bytes = good
      bytes.replaceSubrange(24..<32, with: Fixture.number(size, 8))
      bytes.replaceSubrange(40..<48, with: Fixture.number(size + good.count, 8))
      for block in [0, size] {
        let file = try open([UInt8](repeating: 7, count: block) + bytes)
        #expect(try file.floats("x") == [5])
        #expect(try file.floats("good") == [1, 2])
      }
    }
  }
}
