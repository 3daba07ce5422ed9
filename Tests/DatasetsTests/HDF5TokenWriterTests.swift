import Files
import Foundation
import HDF5
import HDF5Fixtures
import Tensors
import Testing

@testable import Datasets

/// Token files as HDF5 and back.
@Suite(.enabled(if: canWriteHDF5, "needs libhdf5 (package hdf5-tools)"))
struct HDF5TokenWriterTests {
  private struct Stop: Error {}

  let directory: TemporaryDirectory
  init() throws { directory = try TemporaryDirectory() }

  private func ids(_ count: Int, below limit: Int = 50_000, seed: UInt64 = 1) -> [Int] {
    (0..<count).map { Int(SplitMix64.value(seed: seed, at: UInt64($0)) % UInt64(limit)) }
  }

  private func copy(_ tokens: HDF5Tokens, _ range: Range<Int>) throws -> [Int] {
    var ids = [Int32](repeating: 0, count: range.count)
    try ids.withUnsafeMutableBufferPointer { if let base = $0.baseAddress { try tokens.copy(range, to: base) } }
    return ids.map(Int.init)
  }

  private func offsets(_ name: String, in path: String) throws -> [Int] {
    let vector = try HDF5Vector(HDF5File(MappedFile(path)), name)
    var offsets: [Int] = []
    try vector.read(0..<vector.count) { _, bytes in
      offsets += stride(from: 0, to: bytes.count, by: 8).map {
        Int(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt64.self)))
      }
    }
    return offsets
  }

  @Test(arguments: [1, HDF5TokenWriter.tokensPerChunk, 3 * HDF5TokenWriter.tokensPerChunk + 17])
  func tokensComeBack(count: Int) throws {
    let ids = ids(count)
    let source = try directory.tokens("train.bin", ids)
    let path = directory.path + "/train.h5"
    try HDF5TokenWriter.write(
      [.init(path: source, storage: .uint16, documents: .boundary(.init(token: 7, side: .append)))], toFile: path,
      attributes: .init(
        vocabularySize: 50_000, tokenizerHash: "abc", separator: DocumentBoundary(token: 7, side: .append)),
      workers: 3)
    let tokens = try HDF5Tokens(path: path, group: "")
    #expect(tokens.count == count)
    #expect(try copy(tokens, 0..<count) == ids)
    for start in stride(from: 0, to: count, by: 12_345) {
      let end = min(count, start + 1025)
      #expect(try copy(tokens, start..<end) == Array(ids[start..<end]))
    }
    #expect(
      tokens.attributes == [
        "vocabulary_size": .integer(50_000), "dtype": .string("uint16"), "tokenizer_sha256": .string("abc"),
        "separator": .string("append"), "separator_token": .integer(7),
      ])
    #expect(try HDF5Tokens.groups(path: path) == [""])
  }

  @Test func groupsAndWeights() throws {
    let (a, b) = (ids(40_000, seed: 2), ids(70_000, seed: 3))
    let wide: [UInt8] = b.flatMap { [UInt8($0 & 255), UInt8($0 >> 8), 1, 0] as [UInt8] }
    let path = directory.path + "/train.h5"
    try HDF5TokenWriter.write(
      [
        .init(group: "arxiv", path: directory.tokens("a.bin", a), storage: .uint16, weight: 2.5),
        .init(group: "c4", path: directory.write("b.bin", wide), storage: .uint32, weight: 15),
      ], toFile: path, attributes: .init(vocabularySize: 1 << 17), workers: 2)
    #expect(try HDF5Tokens.groups(path: path) == ["arxiv", "c4"])
    let tokens = try HDF5Tokens(path: path, group: "c4")
    #expect(try copy(tokens, 0..<70_000) == b.map { $0 + 65_536 })
    #expect(tokens.attributes["weight"] == .number(15) && tokens.attributes["vocabulary_size"] == .integer(1 << 17))
    #expect(try HDF5Tokens(path: path, group: "arxiv").attributes["weight"] == .number(2.5))
    #expect(message { try HDF5Tokens(path: path, group: "") }.hasSuffix("it has no dataset 'tokens'"))
  }

  @Test func theNumberOfWorkersDoesNotShow() throws {
    let source = try directory.tokens("a.bin", ids(300_000, below: 900))
    for workers in [1, 4] {
      try HDF5TokenWriter.write(
        [.init(path: source, storage: .uint16, documents: .boundary(.init(token: 5, side: .append)))],
        toFile: directory.path + "/\(workers).h5", attributes: .init(vocabularySize: 900), workers: workers)
      // Times of whole seconds would differ.
      if workers == 1 { Thread.sleep(forTimeInterval: 1.1) }
    }
    #expect(try directory.read("1.h5") == directory.read("4.h5"))
  }

  @Test func documentsByTheirSeparators() throws {
    let source = try directory.tokens("a.bin", [1, 2, 0, 3, 0, 0, 4, 5])
    let ended = try directory.tokens("b.bin", [0, 1, 2, 0, 3, 0])
    let path = directory.path + "/a.h5"
    for (file, side, expected): (String, DocumentBoundary.Side, [Int]) in [
      (source, .append, [0, 3, 5, 6, 8]), (source, .prepend, [0, 2, 4, 5, 8]), (ended, .append, [0, 1, 4, 6]),
      (ended, .prepend, [0, 3, 5, 6]),
    ] {
      try HDF5TokenWriter.write(
        [.init(path: file, storage: .uint16, documents: .boundary(.init(token: 0, side: side)))], toFile: path,
        attributes: .init(), workers: 1)
      #expect(try offsets("documents", in: path) == expected)
    }
  }

  /// More offsets than a chunk has, and counts that do not fit.
  @Test func documentsByTheirLengths() throws {
    let source = try directory.tokens("a.bin", ids(60_000))
    let path = directory.path + "/a.h5"
    func write(_ lengths: [Int]) throws {
      var rest = lengths[...]
      try HDF5TokenWriter.write(
        [.init(path: source, storage: .uint16, documents: .lengths { rest.popFirst() })], toFile: path,
        attributes: .init(), workers: 2)
    }
    try write([Int](repeating: 3, count: 20_000))
    #expect(try offsets("documents", in: path) == (0...20_000).map { 3 * $0 })
    let old = try directory.read("a.h5")
    #expect(message { try write([60_001]) }.hasSuffix("its documents have more than its 60000 tokens"))
    #expect(message { try write([-1]) }.hasSuffix("its documents have more than its 60000 tokens"))
    #expect(message { try write([1, 2]) }.hasSuffix("60000 tokens, but its documents have 3"))
    #expect(try directory.read("a.h5") == old)
  }

  @Test func aFailureLeavesEverythingAsItWas() throws {
    let source = try directory.tokens("a.bin", ids(100_000))
    let path = try directory.write("a.h5", "old")
    func write(_ parts: HDF5TokenWriter.Part...) throws {
      try HDF5TokenWriter.write(parts, toFile: path, attributes: .init(), workers: 2) { done, total in
        #expect(done > 0 && total == 100_000)
        throw Stop()
      }
    }
    #expect(throws: Stop.self) { try write(.init(path: source, storage: .uint16)) }
    for name in ["a/b", ".", "a\0"] {
      #expect(
        message { try write(.init(group: name, path: source, storage: .uint16)) }.contains("a name without slashes"))
    }
    let part = HDF5TokenWriter.Part(group: "a", path: source, storage: .uint16)
    #expect(message { try write(part, part) }.contains("names that are not the same"))
    let empty = try directory.write("empty.bin", "")
    #expect(error { try write(.init(path: empty, storage: .uint16)) } == .emptyTokenFile(path: empty))
    #expect(try directory.read("a.h5") == Array("old".utf8))
    #expect(try directory.names() == ["a.bin", "a.h5", "empty.bin"])
  }
}
