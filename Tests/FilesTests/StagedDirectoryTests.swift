import Foundation
import Testing

@testable import Files

struct StagedDirectoryTests {
  private func write(_ name: String, _ text: String, in staged: StagedDirectory) throws {
    try AtomicFile.write(staged.path + "/" + name) { try $0.write(text) }
  }

  @Test func aDirectoryAppearsOnCommit() throws {
    let directory = try TemporaryDirectory()
    let staged = try StagedDirectory(directory.file("new/out/"), replacing: false)
    try write("a/b", "text", in: staged)
    #expect(try directory.names("new") == [FileTree.name(of: staged.path)])
    #expect(FileTree.name(of: staged.path).hasPrefix(".out.partial-"))
    try staged.commit()
    #expect(staged.finalPath == directory.file("new/out"))
    #expect(try directory.names("new") == ["out"])
    #expect(try directory.text("new/out/a/b") == "text")
  }

  @Test func withoutCommitNothingIsLeft() throws {
    let directory = try TemporaryDirectory()
    try directory.write("out/old", "old")
    do {
      let staged = try StagedDirectory(directory.file("out"), replacing: true)
      try write("deep/er/file", "x", in: staged)
      #expect(symlink(directory.file("out"), staged.path + "/link") == 0)
    }
    #expect(try directory.names() == ["out"])
    #expect(try directory.text("out/old") == "old")
  }

  @Test func replacingExchangesTheWhole() throws {
    let directory = try TemporaryDirectory()
    try directory.write("out/old", "old")
    let staged = try StagedDirectory(directory.file("out"), replacing: true)
    try write("new", "new", in: staged)
    #expect(try directory.names("out") == ["old"])
    try staged.commit()
    #expect(try directory.names() == ["out"])
    #expect(try directory.names("out") == ["new"])
  }

  @Test func anExistingNameIsRefused() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("out")
    try directory.write("out", "a file")
    #expect(message { try StagedDirectory(path, replacing: false) } == "\(path): exists already; --force replaces it")
    #expect(symlink("nowhere", directory.file("link")) == 0)
    #expect(throws: FileError.exists(path: directory.file("link"))) {
      try StagedDirectory(directory.file("link"), replacing: false)
    }
    #expect(try directory.names() == ["link", "out"])
  }

  @Test func aNameThatIsTakenMeanwhileIsNotLost() throws {
    let directory = try TemporaryDirectory()
    do {
      let staged = try StagedDirectory(directory.file("out"), replacing: false)
      try write("new", "new", in: staged)
      try directory.write("out/other", "other")
      #expect(throws: FileError.exists(path: directory.file("out"))) { try staged.commit() }
    }
    #expect(try directory.names() == ["out"])
    #expect(try directory.names("out") == ["other"])
  }

  @Test func aLinkIsReplacedAndNotItsTarget() throws {
    let directory = try TemporaryDirectory()
    try directory.write("target/file", "x")
    #expect(symlink("target", directory.file("out")) == 0)
    let staged = try StagedDirectory(directory.file("out"), replacing: true)
    try write("new", "new", in: staged)
    try staged.commit()
    #expect(try directory.names("out") == ["new"])
    #expect(try directory.names("target") == ["file"])
  }

  @Test func placesThatHoldOtherThingsAreNotReplaced() throws {
    let working = FileManager.default.currentDirectoryPath
    for path in [working, working + "/.", "/", ".", "..", "", FileTree.parent(of: working) + "/"] {
      #expect(throws: FileError.self, "\(path)") { try StagedDirectory(path, replacing: true) }
    }
    #expect(
      message { try StagedDirectory(working, replacing: true) }
        == "\(working): is not replaced: it holds the working directory")
  }

  @Test func whatKilledWritersLeftIsRemoved() throws {
    let directory = try TemporaryDirectory()
    try directory.write(".out.partial-1-1/model.safetensors", "half")
    let first = try StagedDirectory(directory.file("out"), replacing: false)
    #expect(try directory.names() == [FileTree.name(of: first.path)])
    let second = try StagedDirectory(directory.file("out"), replacing: false)
    #expect(first.path != second.path)
    #expect(FileTree.exists(first.path))
    try second.commit()
    #expect(throws: FileError.exists(path: directory.file("out"))) { try first.commit() }
  }
}
