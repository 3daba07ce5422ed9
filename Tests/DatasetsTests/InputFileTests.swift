import Foundation
import Testing

@testable import Datasets

struct InputFileTests {
  let directory: TemporaryDirectory
  init() throws { directory = try TemporaryDirectory() }

  private func names(_ arguments: [String]) throws -> [String] {
    try InputFile.expand(arguments).map { String($0.path.dropFirst(directory.path.count + 1)) }
  }

  @Test func kinds() throws {
    let expected: [(String, InputFile.Form, InputFile.Compression)] = [
      ("a.txt", .text, .none), ("a.txt.gz", .text, .gzip), ("a.txt.zst", .text, .zstd), ("a.jsonl", .jsonLines, .none),
      ("a.jsonl.gz", .jsonLines, .gzip), ("a.jsonl.zst", .jsonLines, .zstd), ("a.json", .jsonLines, .none),
      ("a.json.gz", .jsonLines, .gzip),
    ]
    for (name, form, compression) in expected {
      let kind = InputFile.kind(of: name)
      #expect(kind?.0 == form && kind?.1 == compression, "\(name)")
    }
    for name in ["a", "a.gz", "a.csv", "a.txt.bz2", "txt", "a.parquet"] {
      #expect(InputFile.kind(of: name) == nil, "\(name)")
    }
  }

  @Test func directoriesAreSortedAtAnyDepth() throws {
    for name in ["b.txt", "a/z.jsonl", "a/b.txt.gz", "B.txt", "notes.md", ".hidden.txt", "dataset.json"] {
      try directory.write(name, "x")
    }
    #expect(try names([directory.path]) == ["B.txt", "a/b.txt.gz", "a/z.jsonl", "b.txt"])
    #expect(try names([directory.path + "/b.txt", directory.path + "/a//"]) == ["b.txt", "a/b.txt.gz", "a/z.jsonl"])
  }

  @Test func patternsAreSorted() throws {
    for name in ["2.txt", "10.txt", "1.txt", "[x].txt"] { try directory.write(name, "x") }
    #expect(try names([directory.path + "/[0-9]*.txt"]) == ["1.txt", "10.txt", "2.txt"])
    // A name that exists is itself, whatever characters it has.
    #expect(try names([directory.path + "/[x].txt"]) == ["[x].txt"])
  }

  @Test func linkedDirectoriesDoNotLoop() throws {
    try directory.write("a/b.txt", "x")
    try FileManager.default.createSymbolicLink(
      atPath: directory.path + "/a/loop", withDestinationPath: directory.path)
    try FileManager.default.createSymbolicLink(
      atPath: directory.path + "/linked.txt", withDestinationPath: try directory.write("blobs/1234", "x"))
    #expect(try names([directory.path]) == ["a/b.txt", "linked.txt"])
  }

  @Test func problemsAreNamed() throws {
    let path = directory.path
    let csv = try directory.write("a.csv", "x")
    let text = try directory.write("a.txt", "x")
    try FileManager.default.createDirectory(atPath: path + "/empty", withIntermediateDirectories: true)
    try FileManager.default.createDirectory(atPath: path + "/odd.txt", withIntermediateDirectories: true)
    #expect(error { try InputFile.expand([]) } == .noInputs)
    #expect(error { try InputFile.expand([path + "/none.txt"]) } == .inputNotFound(path: path + "/none.txt"))
    #expect(error { try InputFile.expand([path + "/*.gz"]) } == .noMatch(pattern: path + "/*.gz"))
    #expect(error { try InputFile.expand([path + "/empty"]) } == .emptyDirectory(path: path + "/empty"))
    #expect(error { try InputFile.expand([csv]) } == .unknownExtension(path: csv))
    #expect(error { try InputFile.expand([text, path + "/*.txt"]) } != nil)
    #expect(error { try InputFile("/dev/null.txt") } == .inputNotFound(path: "/dev/null.txt"))
    #expect(error { try InputFile(path + "/odd.txt") } == .notARegularFile(path: path + "/odd.txt"))
    #expect(
      error { try InputFile.expand([text, path + "/empty/../a.txt"]) }
        == .sameFileTwice(first: text, second: path + "/empty/../a.txt"))
  }
}
