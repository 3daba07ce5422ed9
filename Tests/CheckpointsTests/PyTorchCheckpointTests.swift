import Files
import Foundation
import Testing

@testable import Checkpoints

/// Files made here, of which every byte is known.
struct PyTorchCheckpointTests {
  typealias P = PickleFixture

  private let values: [Float] = [0, 1, 2, 3, 4, 5]
  var data: [UInt8] { ElementType.float32.bytes(of: values) }

  func archive(_ root: [UInt8], deflated: Bool = false, wide: Bool = false, data: [UInt8]? = nil) -> [UInt8] {
    ZipFixture.archive(
      [
        .init(name: "a/data.pkl", bytes: P.program(root), isDeflated: deflated, isWide: wide),
        .init(name: "a/byteorder", bytes: Array("little".utf8)),
        .init(name: "a/data/0", bytes: data ?? self.data, isDeflated: deflated, isWide: wide),
      ], isWide: wide)
  }

  func open(_ bytes: [UInt8]) throws -> any CheckpointReader {
    let directory = try TemporaryDirectory()
    let path = try directory.write("x.pt", bytes)
    return try withExtendedLifetime(directory) { try Checkpoint.open(path) }
  }

  /// The error without the path.
  func complaint(_ bytes: [UInt8]) throws -> String {
    let directory = try TemporaryDirectory()
    let path = try directory.write("x.pt", bytes)
    let message = message { () throws -> Void in
      let checkpoint = try Checkpoint.open(path)
      for tensor in checkpoint.tensors { _ = try checkpoint.bytes(of: tensor.name) }
    }
    #expect(!message.contains("\n") && message.count < 700)
    return message.hasPrefix(path + ": ") ? String(message.dropFirst(path.count + 2)) : message
  }

  var whole: [UInt8] { P.storage(count: 6) }

  /// (name, pickle, shape, elements)
  private var views: [(String, [UInt8], [Int], [Float])] {
    [
      ("whole", P.tensor(whole, [2, 3], [3, 1]), [2, 3], values),
      ("transposed", P.tensor(whole, [3, 2], [1, 3]), [3, 2], [0, 3, 1, 4, 2, 5]),
      ("slice", P.tensor(whole, offset: 1, [2, 2], [3, 1]), [2, 2], [1, 2, 4, 5]),
      ("expanded", P.tensor(whole, offset: 5, [3], [0]), [3], [5, 5, 5]),
      ("overlapping", P.tensor(whole, [2, 3], [1, 1]), [2, 3], [0, 1, 2, 1, 2, 3]),
      ("scalar", P.tensor(whole, offset: 4, [], []), [], [4]),
      ("empty", P.tensor(whole, offset: 1 << 62, [0, 1 << 40], [1, 1]), [0, 1 << 40], []),
    ]
  }

  // MARK: - What is read

  @Test(arguments: [(false, false), (true, false), (false, true), (true, true)])
  func viewsOfOneStorage(_ deflated: Bool, _ wide: Bool) throws {
    let checkpoint = try open(archive(P.dictionary(views.map { ($0.0, $0.1) }), deflated: deflated, wide: wide))
    #expect(checkpoint.format == .pyTorch)
    #expect(checkpoint.tensors.map(\.name) == views.map(\.0))
    for (name, _, shape, elements) in views {
      #expect(checkpoint.description(of: name) == TensorDescription(name: name, type: .float32, shape: shape))
      #expect(try checkpoint.floats(name) == elements, "\(name)")
    }
    #expect(try checkpoint.region(of: "transposed") == nil)
    #expect(try checkpoint.region(of: "whole")?.withBytes { Array($0) } == data)
    #expect((checkpoint.header(of: checkpoint.path) == nil) == deflated)
    #expect(throws: CheckpointError.missingTensor(path: checkpoint.path, tensor: "x")) {
      try checkpoint.contents(of: "x")
    }
  }

  private func legacy(_ root: [UInt8], keys: [String] = ["0"], little: Bool = true, data: [UInt8]) -> [UInt8] {
    P.program([0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]) + P.program(P.integer(1001))
      + P.program(P.dictionary([("little_endian", [little ? 0x88 : 0x89])])) + P.program(root)
      + P.program([0x5D, 0x28] + keys.flatMap(P.text) + [0x65]) + data
  }

  @Test func legacyForm() throws {
    let part = P.storage(count: 6, part: P.tuple(P.text("1"), P.integer(2), P.integer(3)))
    let root = P.dictionary(views.map { ($0.0, $0.1) } + [("part", P.tensor(part, offset: 1, [2], [1]))])
    let checkpoint = try open(legacy(root, data: CheckpointsTests.little(Int64(6)) + data))
    #expect(checkpoint.format == .legacyPyTorch)
    for (name, _, shape, elements) in views + [("part", [], [2], [3, 4])] {
      #expect(checkpoint.description(of: name)?.shape == shape)
      #expect(try checkpoint.floats(name) == elements, "\(name)")
    }
    let start = "not a readable PyTorch file: "
    #expect(
      try complaint(legacy(root, little: false, data: []))
        == start + "its numbers are big-endian; save it on a little-endian machine")
    #expect(
      try complaint(legacy(root, data: CheckpointsTests.little(Int64(7)) + data)).hasPrefix(
        start + "its storage '0' of 7 elements ends outside the file"))
    #expect(
      try complaint(legacy(root, data: CheckpointsTests.little(Int64(5)) + data))
        == start + "its storage '0' is said to be of two sizes")
    #expect(try complaint(legacy(root, data: [1])) == start + "it is cut off; copy or download it again")
    #expect(try complaint(legacy(root, keys: [], data: [])) == start + "its storage '0' is missing")
    #expect(
      try complaint(legacy(root, keys: ["1"], data: [])) == start + "it stores something that nothing refers to")
    #expect(try complaint(P.program(P.integer(3))) == start + "it is a pickle, but none that torch.save has written")
  }

  @Test func theModelOfATrainingCheckpoint() throws {
    let tensor = P.tensor(whole, [6], [1])
    let namespace =
      P.global("argparse", "Namespace") + [0x29, 0x81] + P.dictionary([("lr", P.integer(3)), ("t", tensor)]) + [0x62]
    let path = P.call("pathlib", "PosixPath", P.text("/"), P.text("a"), P.text("b"))
    let scalar = P.call(
      "numpy._core.multiarray", "scalar",
      P.call("numpy", "dtype", P.text("f4"), [0x89], [0x88]) + P.tuple(P.integer(3), P.text("<")) + [0x62],
      P.call("_codecs", "encode", P.text("\u{0}\u{0}\u{C0}\u{3F}"), P.text("latin1")))
    let root = P.dictionary([
      ("best_val_loss", tensor), ("optimizer", P.dictionary([("state", tensor)])),
      ("model", P.dictionary([("w", tensor)])), ("iter_num", P.integer(7)), ("scalar", scalar), ("path", path),
      ("type", P.global("torch", "bfloat16")), ("hparams", namespace),
      ("args", P.dictionary([("bias", [0x89]), ("n", P.integer(2)), ("raw", [0x43, 1, 0xFF]), ("none", [0x4E])])),
      ("infinite", [0x47, 0x7F, 0xF0, 0, 0, 0, 0, 0, 0]),
      ("losses", P.dictionary([("best", [0x47, 0xFF, 0xF0, 0, 0, 0, 0, 0, 0]), ("last", P.integer(1))])),
      ("undefined", [0x47, 0x7F, 0xF8, 0, 0, 0, 0, 0, 0] + [0x85]),
      ("betas", [0x47, 0x3F, 0xE0, 0, 0, 0, 0, 0, 0] + [0x88, 0x86]),
      ("keys", [0x7D] + P.integer(5) + P.text("five") + [0x73]),
    ])
    let checkpoint = try open(archive(root))
    #expect(checkpoint.tensors.map(\.name) == ["w"])
    #expect(
      checkpoint.settings == [
        "iter_num": .integer(7), "scalar": .number(1.5), "path": .string("/a/b"), "type": .string("torch.bfloat16"),
        "args": .object(["bias": .bool(false), "n": .integer(2), "none": .null]),
        "losses": .object(["last": .integer(1)]),
        "betas": .array([.number(0.5), .bool(true)]), "keys": .object(["5": .string("five")]),
      ])
    // Without such a member the whole is the state dictionary, and the rest of it settings.
    let flat = try open(archive(P.dictionary([("w", tensor), ("module", P.integer(1))])))
    #expect(flat.tensors.map(\.name) == ["w"])
    #expect(flat.settings == ["module": .integer(1)])
  }

  @Test func parametersUntypedStoragesAndOrderedDictionaries() throws {
    let untyped =
      P.tuple(
        P.text("storage"), P.global("torch.storage", "UntypedStorage"), P.text("0"), P.text("cuda:0"), P.integer(24))
      + [0x51]
    let v3 = P.call(
      "torch._utils", "_rebuild_tensor_v3", untyped, P.integer(2), P.integers([5]), P.integers([1]), [0x89],
      P.call("collections", "OrderedDict"), P.global("torch", "uint16"))
    let parameter = P.call(
      "torch._utils", "_rebuild_parameter", P.tensor(whole, [6], [1]), [0x88], P.call("collections", "OrderedDict"))
    let ordered =
      P.call("collections", "OrderedDict") + [0x28] + P.text("v3") + v3 + P.text("p") + parameter + [0x75]
      + P.dictionary([("_metadata", [0x7D])]) + [0x62]
    let checkpoint = try open(archive(ordered))
    #expect(checkpoint.description(of: "v3") == TensorDescription(name: "v3", type: .uint16, shape: [5]))
    #expect(try checkpoint.bytes(of: "v3") == Array(data[4..<14]))
    #expect(try checkpoint.floats("p") == values)
  }

  @Test func aDeclaredSizeIsNotAllocated() throws {
    let checkpoint = try open(
      archive(P.dictionary([("huge", P.tensor(whole, offset: 3, [1 << 20, 1 << 20], [0, 0]))])))
    #expect(checkpoint.tensors.first?.byteCount == 1 << 42)
    var some: [Float] = [0, 0]
    try some.withUnsafeMutableBufferPointer { try checkpoint.read("huge", elements: 1 << 39..<(1 << 39) + 2, into: $0) }
    #expect(some == [3, 3])
    #expect(throws: CheckpointError.self) {
      try open(archive(P.dictionary([("huge", P.tensor(whole, [(1 << 40) + 1], [0]))])))
    }
  }

  // MARK: - What is refused

  @Test func namesAreRefusedByName() throws {
    let expected = [
      (P.call("os", "system", P.text("x")), "os.system"),
      (P.text("torch.serialization") + P.text("os.system") + [0x93], "torch.serialization.os.system"),
      (P.call("torch._utils", "_rebuild_tensor_v2x"), "torch._utils._rebuild_tensor_v2x"),
      (P.call("torch._utils", "_rebuild_sparse_tensor"), "torch._utils._rebuild_sparse_tensor"),
      (P.global("builtins", "getattr"), "builtins.getattr"), (P.global("torch", "QInt8Storage"), "torch.QInt8Storage"),
    ]
    for (code, name) in expected {
      let found = try complaint(archive(P.dictionary([("a", code)])))
      #expect(found.hasPrefix("its pickle refers to \(name) at byte "), "\(found)")
      #expect(found.contains("nothing was run"))
    }
  }

  @Test func pickleErrorsSayWhere() throws {
    let start = "not a readable PyTorch file: its pickle, at byte "
    let expected: [([UInt8], String)] = [
      (Array("(ios\nsystem\n".utf8), "3: opcode 0x69 is not one that a checkpoint needs"),
      ([0x82, 1], "2: opcode 0x82 is not one that a checkpoint needs"),
      ([0x30], "2: it takes a value that is not there"), ([0x4E, 0x74], "3: it goes back to a mark that is not there"),
      ([0x4E, 0x28, 0x85], "4: it takes values that are not there"),
      ([0x68, 7], "2: it takes entry 7 of its memo, which is not there"),
      ([0x7D, 0x72, 0xFF, 0xFF, 0xFF, 0xFF], "3: it numbers more values than it has bytes"),
      ([0x7D, 0x28, 0x4E, 0x75], "5: a key without a value"),
      ([0x7D, 0x5D, 0x4E, 0x73], "5: a key that is no key: a list or a dictionary"),
      ([0x4E, 0x4E], "4: it ends with values left over"),
      (P.text("x") + [0x51], "8: a persistent id that names no storage"),
      (P.call("torch._utils", "_rebuild_tensor_v2", P.integer(1)), "47: wrong arguments for a tensor"),
      ([0x95, 0, 0, 0, 0, 0, 1, 0, 0], "2: a frame that is longer than the pickle"),
    ]
    for (code, reason) in expected {
      let found = try complaint(archive(code))
      #expect(found == start + reason, "\(found)")
    }
    let end = "not a readable PyTorch file: its pickle ends at byte "
    for code: [UInt8] in [
      [0x8D, 0, 0, 0, 0, 0, 0, 0, 0x40], [0x8B, 0xFF, 0xFF, 0xFF, 0x7F], [0x42, 0xFF, 0xFF, 0xFF, 0xFF],
      [0x8B, 0xFF, 0xFF, 0xFF, 0xFF], Array("ctorch".utf8), [0x8E] + [UInt8](repeating: 0xFF, count: 8),
    ] {
      #expect(try complaint(archive(code)).hasPrefix(end))
    }
    #expect(
      try complaint(
        ZipFixture.archive([.init(name: "a/data.pkl", bytes: P.program([0x7D], version: 9))]))
        == start + "0: protocol 9, expected at most 5")
  }

  @Test func whatIsSharedOrCircularIsNeverWrittenOut() throws {
    let clock = ContinuousClock()
    let doubling: [UInt8] =
      [0x5D, 0x71, 0, 0x30]
      + (0..<60).flatMap { number -> [UInt8] in
        [0x28, 0x68, UInt8(number), 0x68, UInt8(number), 0x6C, 0x71, UInt8(number + 1), 0x30]
      } + [0x68, 60]
    let circular: [UInt8] = [0x7D, 0x71, 200] + P.text("a") + [0x68, 200, 0x73]
    let root = P.dictionary([
      ("w", P.tensor(whole, [6], [1])), ("cycle", circular), ("n", P.integer(1)), ("laughs", doubling),
    ])
    let elapsed = try clock.measure {
      let settings = try open(archive(root)).settings
      #expect(settings == ["n": .integer(1)])
    }
    #expect(elapsed < .seconds(1))
    let deep = [UInt8](repeating: 0x5D, count: 100_000) + [UInt8](repeating: 0x61, count: 99_999)
    let many = [UInt8](repeating: 0x4E, count: 3 << 20)
    #expect(try complaint(archive(deep)).contains("it holds no dictionary of tensors"))
    #expect(try complaint(archive(many)).contains("it says more than a checkpoint has to"))
  }

  @Test func tensorsThatAreNotInTheirStorage() throws {
    let wrong: [([Int], [Int], Int)] = [
      ([7], [1], 0), ([6], [1], 1), ([6], [1], -1), ([6], [-1], 5), ([-6], [1], 0), ([2, 3], [1 << 62, 1], 0),
      ([1 << 32, 1 << 32], [0, 0], 0), ([2, 3], [1], 0), ([1 << 50], [0], 0),
    ]
    for (sizes, strides, offset) in wrong {
      let found = try complaint(archive(P.dictionary([("t", P.tensor(whole, offset: offset, sizes, strides))])))
      #expect(
        found.hasPrefix("tensor 't': shape \(sizes) with strides \(strides) from element \(offset) on"), "\(found)")
    }
    let start = "not a readable PyTorch file: "
    func root(_ storage: [UInt8]) -> [UInt8] { P.dictionary([("t", P.tensor(storage, [1], [1]))]) }
    #expect(
      try complaint(archive(root(P.storage(count: 5))))
        == start + "its storage '0' has 24 bytes, expected 5 elements of 4 bytes")
    #expect(try complaint(archive(root(P.storage("../0", count: 6)))) == start + "its storage '../0' is missing")
    #expect(try complaint(archive(root(P.storage(count: -6)))).hasSuffix("a storage of -6 elements"))
    #expect(try complaint(archive(root(P.storage(count: .max)))).contains("expected \(Int.max) elements"))
    let part = P.storage(count: 6, part: P.tuple(P.text("1"), P.integer(2), P.integer(3)))
    #expect(try complaint(archive(root(part))) == start + "its storage '0' is said to be a part of another")
    let conjugated = P.tensor(whole, [1], [1], tail: P.dictionary([("conj", [0x88])]))
    #expect(try complaint(archive(P.dictionary([("t", conjugated)]))).contains("conjugated"))
    let twice = P.dictionary([("t", P.tensor(whole, [1], [1])), ("t", P.tensor(whole, [1], [1]))])
    #expect(try complaint(archive(twice)) == start + "two of its tensors are named 't'")
    #expect(try complaint(archive(P.dictionary([("t", P.text("x"))]))).contains("it holds no dictionary of tensors"))
  }

  @Test func damagedArchives() throws {
    let pickle = ZipFixture.Member(
      name: "a/data.pkl", bytes: P.program(P.dictionary([("t", P.tensor(whole, [6], [1]))])))
    let storage = ZipFixture.Member(name: "a/data/0", bytes: data)
    func changed(_ member: ZipFixture.Member, _ change: (inout ZipFixture.Member) -> Void) -> ZipFixture.Member {
      var member = member
      change(&member)
      return member
    }
    func named(_ name: String) -> ZipFixture.Member { .init(name: name, bytes: [1]) }
    let good = [pickle, storage]
    // A comment and directories are no damage.
    #expect(try complaint(ZipFixture.archive(good + [.init(name: "a/", bytes: [])], comment: [1, 2])) == "no error")
    let expected: [([ZipFixture.Member], String)] = [
      ([storage], "it is a zip archive without a data.pkl, none that torch.save has written"),
      (good + [changed(pickle) { $0.name = "b/data.pkl" }], "it has 2 pickles, 'a/data.pkl' and 'b/data.pkl'"),
      (good + [storage], "two of its members are named 'a/data/0'"),
      (good + [named("../x")], "its member '../x' has a name that leads out of the archive"),
      (good + [named("a/../../x")], "its member 'a/../../x' has a name that leads out of the archive"),
      (good + [named("/x")], "its member '/x' has a name that leads out of the archive"),
      (good + [named("a/\u{1}")], "its member 'a/\u{FFFD}' has a name that leads out of the archive"),
      ([pickle, changed(storage) { $0.extraSize = 4 }], "its member 'a/data/0' is not what the directory says"),
      (
        [pickle, changed(storage) { $0.extraSize = 4 }, named("a/x")],
        "its member 'a/data/0' is not what the directory says"
      ),
      ([pickle, changed(storage) { $0.flags = 1 }], "its member 'a/data/0' is encrypted"),
      ([pickle, changed(storage) { $0.size = 28 }], "its member 'a/data/0' has two sizes, 28 and 24 bytes"),
      ([changed(pickle) { $0.checksum = 1 }, storage], "its pickle is damaged: its CRC-32 is another one"),
      (
        [
          pickle,
          changed(storage) {
            $0.isDeflated = true
            $0.checksum = 1
          },
        ],
        "its member 'a/data/0' is damaged, or not as long as it says"
      ),
      (
        [
          changed(pickle) {
            $0.isDeflated = true
            $0.size = 1000
          }, storage,
        ],
        "its member 'a/data.pkl' is damaged, or not as long as it says"
      ),
      (
        [
          pickle,
          changed(storage) {
            $0.isDeflated = true
            $0.size = 1 << 30
          },
        ],
        "its member 'a/data/0' cannot have the size that it says"
      ),
      (
        good + [.init(name: "a/byteorder", bytes: Array("big".utf8))],
        "its numbers are big-endian; save it on a little-endian machine"
      ),
      (
        good + [.init(name: "a/byteorder", bytes: Array("big".utf8), isDeflated: true)],
        "its numbers are big-endian; save it on a little-endian machine"
      ),
      (
        good + [.init(name: "a/byteorder", bytes: [UInt8](repeating: 0, count: 17), isDeflated: true, checksum: 1)],
        "its numbers are big-endian; save it on a little-endian machine"
      ),
    ]
    for (members, reason) in expected {
      #expect(try complaint(ZipFixture.archive(members)) == "not a readable PyTorch file: \(reason)")
    }
    let bytes = ZipFixture.archive(good)
    #expect(try complaint(Array(bytes.dropLast(30))).contains("a zip archive without a directory: cut off"))
    #expect(try complaint(ZipFixture.archive(good, count: 3)).contains("has 2 members, and says 3"))
    #expect(try complaint(ZipFixture.archive(good, count: 3, isWide: true)).contains("has 2 members, and says 3"))
    var renamed = bytes
    renamed[30] = UInt8(ascii: "b")
    #expect(try complaint(renamed).contains("its member 'a/data.pkl' is not what the directory says"))
  }

  /// Every byte of small files in both forms changed: an error, or other numbers, never the end of the
  /// process.
  @Test func changedBytesNeverCrash() throws {
    let root = P.dictionary([("t", P.tensor(whole, [2, 3], [3, 1]))])
    let directory = try TemporaryDirectory()
    for bytes in [
      archive(root), archive(root, deflated: true, wide: true),
      legacy(root, data: CheckpointsTests.little(Int64(6)) + data),
    ] {
      for index in bytes.indices {
        var changed = bytes
        changed[index] ^= [0x01, 0x80, 0xFF][index % 3]
        let path = try directory.write("x.pt", changed)
        let found = message { () throws -> Void in
          let checkpoint = try Checkpoint.open(path)
          for tensor in checkpoint.tensors where tensor.elementCount < 1000 {
            _ = try checkpoint.bytes(of: tensor.name)
          }
        }
        #expect(found == "no error" || found.hasPrefix(path), "\(found)")
      }
    }
  }
}
