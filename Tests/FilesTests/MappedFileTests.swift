import Foundation
import Testing

@testable import Files

struct MappedFileTests {
  @Test func bytesAreTheFiles() throws {
    let directory = try TemporaryDirectory()
    let contents = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let file = try MappedFile(directory.write("a", contents))
    #expect(file.withBytes { Array($0) } == contents)
    #expect(file.path == directory.file("a"))
    let empty = try MappedFile(directory.write("empty", ""))
    #expect(empty.bytes.isEmpty && empty.text.isEmpty)
  }

  /// Reading through a file that has no name of its own.
  @Test func contentsOutliveTheObject() throws {
    let directory = try TemporaryDirectory()
    let text = String(repeating: "é ", count: 100_000)
    #expect(try MappedFile(directory.write("a", text)).text == text)
    #expect(try MappedFile(directory.write("a", text)).withBytes { $0.elementsEqual(text.utf8) })
    #expect(try JSON(contentsOf: directory.write("b", "[\"\(text)\"]")) == .array([.string(text)]))
    #expect(try MappedFile(directory.write("c", [0x61, 0xFF])).text == "a\u{FFFD}")
  }

  @Test func theMappingOutlivesTheName() throws {
    let directory = try TemporaryDirectory()
    let file = try MappedFile(directory.write("a", "text"))
    try AtomicFile.write(directory.file("a")) { try $0.write("another") }
    #expect(file.text == "text")
    try FileManager.default.removeItem(atPath: directory.file("a"))
    #expect(file.text == "text")
  }

  @Test func whatIsNoFileIsRefused() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path
    #expect(message { try MappedFile(path) } == "\(path): a directory, expected a file")
    #expect(message { try MappedFile(path + "/none") } == "\(path)/none: no such file or directory")
    try directory.write("file", "")
    #expect(message { try MappedFile(path + "/file/below") } == "\(path)/file/below: not a directory")
    #expect(mkfifo(path + "/pipe", 0o600) == 0)
    #expect(message { try MappedFile(path + "/pipe") } == "\(path)/pipe: a pipe, expected a file")
    #expect(message { try MappedFile("/dev/null") } == "/dev/null: a device, expected a file")
    #expect(symlink("loop", path + "/loop") == 0)
    #expect(message { try MappedFile(path + "/loop") }.hasPrefix("\(path)/loop: cannot be read: too many levels"))
  }
}
