import Foundation
import Testing

@testable import Files

struct RecordFileTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("records-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private var path: String { folder.path + "/file" }

  private func records(_ file: RecordFile) throws -> [[UInt8]] {
    var records: [[UInt8]] = []
    try file.forEachRecord { records.append(Array($0)) }
    return records
  }

  private func append(_ record: [UInt8], _ file: RecordFile) throws {
    try record.withUnsafeBytes { try file.append($0) }
  }

  @Test func grows() throws {
    defer { remove() }
    do {
      let file = try RecordFile(path, recordSize: 3)
      #expect(try file.readHeader() == nil)
      try file.start(header: Array("head".utf8))
      try append([1, 2, 3], file)
      try append([10, 10, 10], file)
      // They wait for others.
      #expect(try records(file).isEmpty)
      try file.flush()
      #expect(try records(file) == [[1, 2, 3], [10, 10, 10]])
    }
    do {
      let file = try RecordFile(path, recordSize: 3)
      #expect(try file.readHeader() == Array("head".utf8))
      try file.resume()
      try append([4, 5, 6], file)
      try file.flush()
    }
    // A record that is not whole goes.
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    try bytes.dropLast(1).write(to: URL(fileURLWithPath: path))
    let file = try RecordFile(path, recordSize: 3)
    #expect(try file.readHeader() == Array("head".utf8) && file.recordCount() == 2)
    #expect(try records(file) == [[1, 2, 3], [10, 10, 10]])
    try file.resume()
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)).count == 5 + 6)
  }

  @Test func manyRecords() throws {
    defer { remove() }
    let file = try RecordFile(path, recordSize: 8)
    try file.start(header: [])
    for index in 0..<100_000 { try withUnsafeBytes(of: index) { try file.append($0) } }
    try file.flush()
    var next = 0
    try file.forEachRecord { record in
      if record.loadUnaligned(as: Int.self) == next { next += 1 }
    }
    #expect(next == 100_000)
  }

  @Test func whatIsNoRecordFile() throws {
    defer { remove() }
    #expect(throws: FileError.unwritable(path: folder.path, reason: "is a directory")) {
      try RecordFile(folder.path, recordSize: 3)
    }
    #expect(throws: FileError.notARegularFile(path: "/dev/null", found: "a device")) {
      try RecordFile("/dev/null", recordSize: 3)
    }
    let first = try RecordFile(path, recordSize: 3)
    #expect(throws: FileError.busy(path: path)) { try RecordFile(path, recordSize: 3) }
    withExtendedLifetime(first) {}
    let nowhere = folder.path + "/none/file"
    #expect(throws: FileError.unwritable(path: nowhere, reason: "no such file or directory")) {
      try RecordFile(nowhere, recordSize: 3)
    }
  }

  private func remove() {
    do { try FileManager.default.removeItem(at: folder) } catch { Issue.record(error) }
  }
}
