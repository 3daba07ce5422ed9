import Files
import Foundation
import HDF5Fixtures
import Testing

@testable import HDF5

/// Files made by hand.
struct HDF5FileTests {
  private typealias Fixture = HDF5Fixture

  private func open(_ bytes: [UInt8]) throws -> HDF5File {
    let directory = try TemporaryDirectory()
    return try HDF5File(directory.write("f.h5", bytes))
  }

  /// What opening the file says, without the path; reading every dataset if it opens.
  private func complaint(_ bytes: [UInt8], asking name: String? = nil) throws -> String {
    let directory = try TemporaryDirectory()
    let path = try directory.write("f.h5", bytes)
    let found = message {
      let file = try HDF5File(path)
      for name in file.datasets.keys { _ = try file.bytes(of: name) }
      if let name { _ = try file.bytes(of: name) }
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
      #expect(
        file.datasets.mapValues(\.shape) == ["inner/none": [0, 4], "a": [2, 3], "again": [2, 3], "inner/b": []])
      #expect(try file.bytes(of: "a") == Fixture.bytes([1, 2, 3, 4, 5, 6]))
      #expect(try file.bytes(of: "again") == Fixture.bytes([1, 2, 3, 4, 5, 6]))
      #expect(try file.bytes(of: "inner/b") == Fixture.bytes([7]))
      #expect(try file.bytes(of: "inner/none").isEmpty)
      #expect(file.groups == ["": [:], "inner": [:]])
      #expect(throws: HDF5Error.missingDataset(path: file.path, dataset: "c")) { try file.dataset("c") }
    }
  }

  @Test func newHeadersAndContinuations() throws {
    var fixture = Fixture()
    let data = fixture.append(Fixture.bytes([1, 2, 3]))
    let messages = [Fixture.dataspace([3]), Fixture.float32, Fixture.contiguous(at: data, count: 12)]
    let a = fixture.newObject(messages, split: 1)
    let compact = fixture.object(
      [Fixture.dataspace([2]), Fixture.float32, Fixture.compact(Fixture.bytes([8, 9]))], split: 2)
    let root = fixture.newObject(
      [Fixture.linkInfo(), Fixture.link("a", to: a), Fixture.link("c", to: compact), Fixture.link("s", soft: "/./c")],
      split: 2)
    let bytes = fixture.file(root: root, version: 2)
    let file = try open(bytes)
    #expect(try file.bytes(of: "a") == Fixture.bytes([1, 2, 3]))
    #expect(try file.bytes(of: "c") == Fixture.bytes([8, 9]))
    #expect(try file.bytes(of: "s") == Fixture.bytes([8, 9]))
    // Headers and continuations are checked.
    let places = bytes.indices.filter { place in
      ["OHDR", "OCHK"].contains { bytes[place...].starts(with: $0.utf8) }
    }
    #expect(places.count == 4)
    for place in places {
      var damaged = bytes
      damaged[place + 9] ^= 0x10
      #expect(try complaint(damaged).contains("its checksum is wrong"))
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
    #expect(
      file.groups[""] == [
        "layer_names": .array([.string("transformer"), .string("head")]), "backend": .string("tensorflow"),
        "config": .string("{\"n_layer\": 2}"), "letter": .string("é"), "nothing": .string(""),
        "count": .integer(-7), "huge": .number(0x1p64),
        "scale": .array([.number(0.5), .number(-2)]),
      ])
  }

  /// Two names of the same letters: "é" as one character, and as a letter with an accent.
  @Test func attributesWithOneName() throws {
    for names in [["a", "a"], ["\u{E9}", "e\u{301}"]] {
      var fixture = Fixture()
      let root = fixture.group([], attributes: names.map { Fixture.attribute($0, texts: ["x"], isList: false) })
      #expect(try complaint(fixture.file(root: root)).contains("two attributes are named"))
      var twice = Fixture()
      let w = twice.dataset([1])
      let group = twice.group(names.map { ($0, .object(w)) })
      #expect(try complaint(twice.file(root: group)).contains("two objects are named"))
    }
  }

  @Test func groupsThatContainThemselves() throws {
    var fixture = Fixture()
    let w = fixture.dataset([1])
    // The address that the root will have: each group takes the same room.
    let probe = fixture.group([("loop", .object(0)), ("w", .object(w))])
    let next = fixture.group([("loop", .object(0)), ("w", .object(w))])
    let root = fixture.group([("loop", .object(next + (next - probe))), ("w", .object(w))])
    #expect(root == next + (next - probe))
    let file = try open(fixture.file(root: root))
    #expect(file.datasets.keys.sorted() == ["w"])
    #expect(file.groups.keys.sorted() == [""])
  }

  // MARK: - What is refused by name, when it is asked for

  @Test func datasetsThatAreNotRead() throws {
    let (space, float) = (Fixture.dataspace([1]), Fixture.float32)
    let place = Fixture.contiguous(at: 96, count: 4)
    let refused: [([Fixture.Message], String)] = [
      ([space, Fixture.text5, Fixture.compact([1, 2, 3, 4, 5])], "it holds texts, expected numbers"),
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
      ([(.dataspace, [2, 0, 0, 2]), float, place], "it has no elements at all"),
      (
        [Fixture.dataspace([1 << 31, 1 << 31]), float, place],
        "shape [2147483648, 2147483648] is larger than any memory"
      ),
      ([space, float, Fixture.contiguous(at: Fixture.undefined, count: 4)], "its elements were never written"),
    ]
    for (messages, reason) in refused {
      let bytes = file(with: messages)
      #expect(try open(bytes).datasets.keys.sorted() == ["good"])
      #expect(try complaint(bytes, asking: "x") == "dataset 'x': \(reason)")
    }
  }

  /// A type with a name is no dataset.
  @Test func namedTypes() throws {
    #expect(try open(file(with: [Fixture.float32])).datasets.keys.sorted() == ["good"])
  }

  @Test func otherFilesAreNotOpened() throws {
    var fixture = Fixture()
    let root = fixture.newObject([Fixture.linkInfo(), Fixture.link("w", external: "../other.h5", "/w")])
    #expect(
      try complaint(fixture.file(root: root), asking: "w")
        == #"dataset 'w': a link to "/w" in another file, "../other.h5"; other files are not opened"#)
  }

  // MARK: - What is refused at once

  @Test func filesThatAreNotRead() throws {
    let good = file(with: [Fixture.dataspace([]), Fixture.float32, Fixture.compact([0, 0, 0, 0])])
    func changed(_ place: Int, to value: UInt8) -> [UInt8] {
      var bytes = good
      bytes[place] = value
      return bytes
    }
    var fixture = Fixture()
    let dense = fixture.newObject([Fixture.linkInfo(heap: 8)])
    let root = fixture.newObject([Fixture.linkInfo(), Fixture.link("inner", to: dense)])
    let expected: [([UInt8], String)] = [
      ([], "it does not begin as HDF5 files do"),
      ([UInt8]("<html>".utf8), "it does not begin as HDF5 files do"),
      (
        Array(good.dropLast()),
        "it has \(good.count - 1) bytes, but says that it has \(good.count): it is cut off or damaged"
      ),
      (changed(8, to: 250), "superblock version 250, expected 0 to 3"),
      (changed(13, to: 3), "addresses of 3 bytes and lengths of 8, expected 8"),
      (
        fixture.file(root: root, version: 2),
        #"group "/inner": its names are stored in a dense form; "#
          + "rewrite the file with: h5repack -c 60000 -d 50000 in.h5 out.h5"
      ),
    ]
    for (bytes, reason) in expected { #expect(try complaint(bytes) == "not a readable HDF5 file: " + reason) }
  }

  /// It may stand before the file, or have stood there.
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
        #expect(try file.bytes(of: "x") == Fixture.bytes([5]))
        #expect(try file.bytes(of: "good") == Fixture.bytes([1, 2]))
      }
    }
  }

  @Test func datasetsThatShareBytes() throws {
    var fixture = Fixture()
    let data = fixture.append([UInt8](repeating: 0, count: 64))
    let objects = [0, 28].map { offset in
      fixture.object([
        Fixture.dataspace([8]), Fixture.float32, Fixture.contiguous(at: data + offset, count: 32),
      ])
    }
    let root = fixture.group([("a", .object(objects[0])), ("b", .object(objects[1]))])
    #expect(try complaint(fixture.file(root: root)).hasSuffix("two datasets share the bytes from \(data + 28) on"))
  }

  @Test func elementsOutsideOfTheFile() throws {
    for (address, shape) in [(1 << 40, [1]), (Int.max, [1]), (96, [1 << 20]), (96, [1 << 61])] {
      let bytes = file(with: [
        Fixture.dataspace(shape), Fixture.float32, Fixture.contiguous(at: address, count: Int.max),
      ])
      #expect(try complaint(bytes, asking: "x").contains(shape[0] == 1 << 61 ? "larger than" : "of a file of"))
    }
  }

  /// Many names of one large thing cost a small file's time and memory, or are refused.
  @Test func workIsBoundedByTheFilesSize() throws {
    var fixture = Fixture()
    let w = fixture.dataset([1])
    var group = fixture.group([(String(repeating: "n", count: 20_000), .object(w))])
    let long = String(repeating: "g", count: 2_000)
    for _ in 0..<60 { group = fixture.group([(long, .object(group))]) }
    let deep = fixture.file(root: group)
    // Names of 60 × 2000 bytes at every level.
    #expect(deep.count > 120_000)
    let time = try ContinuousClock().measure { _ = try complaint(deep) }
    #expect(time < .seconds(1))

    var nested = Fixture()
    var inner = nested.group([])
    for _ in 0..<70 { inner = nested.group([("g", .object(inner))]) }
    #expect(try complaint(nested.file(root: inner)).hasSuffix("groups are nested 64 deep"))

    // 60 attributes that are all the same megabyte.
    var repeated = Fixture()
    let heap = repeated.globalHeap([String(repeating: "x", count: 1 << 20)])
    let root = repeated.group(
      [], attributes: (0..<60).map { Fixture.attribute("a\($0)", heap: heap, object: 1, count: 1 << 20) })
    #expect(try complaint(repeated.file(root: root)).contains("structures overlap"))
  }
}
