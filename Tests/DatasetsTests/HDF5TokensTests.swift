import Files
import HDF5Fixtures
import Testing

@testable import Datasets

/// Datasets `tokens` of every type, made by hand.
struct HDF5TokensTests {
  private typealias Fixture = HDF5Fixture

  let directory: TemporaryDirectory
  init() throws { directory = try TemporaryDirectory() }

  private func file(_ messages: [Fixture.Message], in group: String? = nil) throws -> String {
    var fixture = Fixture()
    let tokens = fixture.object(messages)
    var root = fixture.group([("tokens", .object(tokens))])
    if let group { root = fixture.group([(group, .object(root))]) }
    return try directory.write("f.h5", fixture.file(root: root))
  }

  private func ids(_ tokens: HDF5Tokens, _ range: Range<Int>) throws -> [Int32] {
    var ids = [Int32](repeating: 99, count: range.count)
    try ids.withUnsafeMutableBufferPointer { if let base = $0.baseAddress { try tokens.copy(range, to: base) } }
    return ids
  }

  @Test(arguments: [false, true], [1, 2, 4, 8])
  func everyType(isBigEndian: Bool, size: Int) throws {
    for signed in [false, true] where size > 1 || !signed {
      let values: [Int] =
        switch size {
        case 1: [0, 1, 255]
        case 2: signed ? [0, 5, 32_767, -1, -32_768] : [0, 5, 65_535]
        case 4: signed ? [0, 1 << 30, -1, Int(Int32.min)] : [0, Int(Int32.max), 1 << 31, (1 << 32) - 1]
        default: [0, Int(Int32.max), 1 << 31, 1 << 40, -1]
        }
      let bytes = values.flatMap { value in
        let little = Fixture.number(value, size)
        return isBigEndian ? little.reversed() : little
      }
      let tokens = try HDF5Tokens(
        path: file([
          Fixture.dataspace([values.count]), Fixture.integer(size, signed: signed, bigEndian: isBigEndian),
          Fixture.compact(bytes),
        ]), group: "")
      // What no vocabulary has comes out negative.
      let expected = values.map { Int32(exactly: $0).map { max($0, -1) } ?? -1 }
      #expect(try ids(tokens, 0..<values.count) == expected)
      #expect(try ids(tokens, 1..<2) == [expected[1]])
      #expect(try ids(tokens, 1..<1).isEmpty)
    }
  }

  @Test func groups() throws {
    let two = [Fixture.dataspace([2]), Fixture.integer(2), Fixture.compact([1, 0, 2, 0])]
    let path = try file(two, in: "arxiv")
    #expect(try HDF5Tokens.groups(path: path) == ["arxiv"])
    #expect(try ids(HDF5Tokens(path: path, group: "arxiv"), 0..<2) == [1, 2])
    #expect(message { try HDF5Tokens(path: path, group: "c4") }.hasSuffix("it has no dataset 'c4/tokens'"))
  }

  @Test func whatHoldsNoTokens() throws {
    func complaint(_ messages: Fixture.Message...) throws -> String {
      let path = try file(messages)
      return message { try HDF5Tokens(path: path, group: "") }
    }
    let one = Fixture.dataspace([1])
    #expect(
      try complaint(one, Fixture.float32, Fixture.compact([0, 0, 0, 0]))
        .hasSuffix("dataset 'tokens' holds float32, expected uint8 to uint64 or int16 to int64"))
    #expect(
      try complaint(one, Fixture.integer(1, signed: true), Fixture.compact([0])).contains("holds int8, expected"))
    #expect(
      try complaint(Fixture.dataspace([1, 1]), Fixture.integer(2), Fixture.compact([0, 0]))
        .hasSuffix("dataset 'tokens': its shape is [1, 1], expected one number"))
    #expect(try complaint(one, Fixture.text5, Fixture.compact([0, 0, 0, 0, 0])).contains("holds texts"))
    let path = try directory.write("no.h5", "<html>")
    #expect(message { try HDF5Tokens(path: path, group: "") }.contains("it does not begin as HDF5 files do"))
    #expect(message { try HDF5Tokens(path: path + "x", group: "") } == "\(path)x: no such file or directory")
  }
}
