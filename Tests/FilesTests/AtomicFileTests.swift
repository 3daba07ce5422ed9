import Foundation
import Testing

@testable import Files

struct AtomicFileTests {
  private struct Failure: Error {}

  @Test func aFileIsWrittenWhole() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("new/below/file")
    let large = [UInt8](repeating: 9, count: 1 << 20)
    try AtomicFile.write(path) { file in
      try file.write("é")
      #expect(file.offset == 2)
      try large.withUnsafeBytes { try file.write($0) }
      for _ in 0..<100_000 { try file.write("line\n") }
      #expect(file.offset == 2 + large.count + 500_000)
      #expect(!FileTree.exists(path))
    }
    #expect(
      try directory.read("new/below/file") == Array("é".utf8) + large
        + Array(repeatElement("line\n", count: 100_000).joined().utf8))
    #expect(try directory.names("new/below") == ["file"])
  }

  @Test func aFileIsWrittenByItsName() throws {
    let directory = try TemporaryDirectory()
    try directory.write("file", "old")
    let path = directory.file("file")
    #expect(throws: Failure.self) {
      try AtomicFile.writeByName(path) { partial in
        try Data("lost".utf8).write(to: URL(fileURLWithPath: partial))
        throw Failure()
      }
    }
    #expect(try directory.text("file") == "old")
    try AtomicFile.writeByName(path) { try Data("new".utf8).write(to: URL(fileURLWithPath: $0)) }
    #expect(try directory.text("file") == "new")
    #expect(try directory.names() == ["file"])
  }

  @Test func aFailureLeavesEverythingAsItWas() throws {
    let directory = try TemporaryDirectory()
    try directory.write("file", "old")
    #expect(throws: Failure.self) {
      try AtomicFile.write(directory.file("file")) { file in
        try file.write(String(repeating: "new", count: 1_000_000))
        throw Failure()
      }
    }
    #expect(try directory.text("file") == "old")
    #expect(throws: Failure.self) { try AtomicFile.write(directory.file("other")) { _ in throw Failure() } }
    #expect(try directory.names() == ["file"])
  }

  @Test func anExistingFileIsReplacedAndALinkBecomesAFile() throws {
    let directory = try TemporaryDirectory()
    try directory.write("target", "target")
    #expect(symlink("target", directory.file("link")) == 0)
    try AtomicFile.write(directory.file("link")) { try $0.write("link") }
    try AtomicFile.write(directory.file("target")) { try $0.write("new") }
    #expect(try directory.text("link") == "link")
    #expect(try directory.text("target") == "new")
  }

  @Test func placesThatCannotBeWrittenAreNamed() throws {
    let directory = try TemporaryDirectory()
    try directory.write("file", "")
    let path = directory.path
    #expect(message { try AtomicFile.write(path + "/file/x") { _ in } } == "\(path)/file: not a directory")
    try directory.write("full/x", "")
    #expect(
      message { try AtomicFile.write(path + "/full") { _ in } } == "\(path)/full: cannot be written: is a directory")
    #expect(try directory.names() == ["file", "full"])
  }

  @Test func aFullDiskIsAnError() throws {
    // A device on which every write fails with ENOSPC.
    let descriptor = open("/dev/full", O_WRONLY | O_CLOEXEC)
    #expect(descriptor >= 0)
    defer { close(descriptor) }
    let directory = try TemporaryDirectory()
    let large = try MappedFile(directory.write("large", [UInt8](repeating: 1, count: 1 << 20)))
    let small = FileWriter(descriptor: descriptor, path: "out")
    try small.write("text")
    #expect(throws: FileError.diskFull(path: "out")) { try small.synchronize() }
    #expect(throws: FileError.diskFull(path: "out")) {
      try FileWriter(descriptor: descriptor, path: "out").write(large.bytes)
    }
    #expect(throws: FileError.diskFull(path: "out")) {
      try FileWriter(descriptor: descriptor, path: "out").copy(from: large, range: 0..<large.bytes.count)
    }
  }

  @Test func rangesOfAnotherFileAreCopied() throws {
    let directory = try TemporaryDirectory()
    let contents = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
    let source = try MappedFile(directory.write("source", contents))
    let ranges = [5..<5, 1..<8, 3..<2_999_999, 0..<3_000_000, 1_000_003..<1_300_000]
    try AtomicFile.write(directory.file("copy")) { file in
      for range in ranges {
        try file.write("|")
        try file.copy(from: source, range: range)
      }
      #expect(file.offset == ranges.reduce(ranges.count) { $0 + $1.count })
    }
    #expect(try directory.read("copy") == ranges.flatMap { [0x7C] + contents[$0] })
  }

  /// A long copy and a short one, which goes through the buffer.
  @Test(arguments: [1 << 20, 5000])
  func aSourceThatHasBecomeShorterIsAnError(count: Int) throws {
    let directory = try TemporaryDirectory()
    let source = try MappedFile(directory.write("source", [UInt8](repeating: 1, count: 1 << 20)))
    #expect(truncate(directory.file("source"), 1000) == 0)
    #expect(
      throws: FileError.changed(path: directory.file("source"))
    ) { try AtomicFile.write(directory.file("copy")) { try $0.copy(from: source, range: 0..<count) } }
    #expect(try directory.names() == ["source"])
  }

  /// A killed writer leaves its hidden file without a lock; a living one holds a lock.
  @Test func whatKilledWritersLeftIsRemoved() throws {
    let directory = try TemporaryDirectory()
    try directory.write(".file.partial-1-1", "left")
    try directory.write(".file2.partial-1-1", "of another name")
    let busy = try directory.write(".file.partial-1-2", "being written")
    let descriptor = open(busy, O_RDONLY | O_CLOEXEC)
    defer { close(descriptor) }
    #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    try AtomicFile.write(directory.file("file")) { try $0.write("x") }
    #expect(try directory.names() == [".file.partial-1-2", ".file2.partial-1-1", "file"])
  }

  @Test func manyWritersOfOneNameDoNotMeet() async throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("file")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<8 {
        group.addTask {
          for _ in 0..<8 { try AtomicFile.write(path) { try $0.write(String(repeating: "\(writer)", count: 10_000)) } }
        }
      }
      try await group.waitForAll()
    }
    let text = try directory.text("file")
    #expect(text.count == 10_000 && Set(text).count == 1)
    #expect(try directory.names() == ["file"])
  }

  @Test func theLongestNamesWork() throws {
    let directory = try TemporaryDirectory()
    let name = String(repeating: "é", count: 127)
    try AtomicFile.write(directory.file(name)) { try $0.write("x") }
    #expect(try directory.names() == [name])
  }
}
