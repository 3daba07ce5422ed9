import Files
import Foundation
import TestSupport
import Testing

@testable import Tokenization

/// A directory that goes when the test ends.
final class TemporaryDirectory {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("tokenization-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path): \(error)") }
  }

  func write(_ name: String, _ bytes: some Sequence<UInt8>) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name))
  }

  func write(_ name: String, _ text: String) throws { try write(name, text.utf8) }

  /// A file of the shared folder under another name.
  func link(_ name: String, to shared: String) throws {
    try FileManager.default.createSymbolicLink(atPath: path + "/" + name, withDestinationPath: Shared.path(shared))
  }
}

/// The tokenizer of files given by name and contents.
func tokenizer(_ files: [String: String]) throws -> Tokenizer {
  let directory = try TemporaryDirectory()
  for (name, text) in files { try directory.write(name, text) }
  return try Tokenizer.load(directory: directory.path)
}

/// What loading says of these files; empty if nothing is wrong.
func message(_ files: [String: String]) throws -> String {
  do { _ = try tokenizer(files) } catch let error as TokenizationError { return "\(error)" }
  return ""
}

/// What loading a directory says; nil if nothing is wrong.
func failure(ofLoading path: String) -> String? {
  do { _ = try Tokenizer.load(directory: path) } catch { return "\(error)" }
  return nil
}

/// The contents of a JSON file.
func json(_ path: String) throws -> JSON {
  let file = try MappedFile(path)
  return try withExtendedLifetime(file) { try JSON(parsing: file.bytes) }
}

/// The lines of a JSON Lines file.
func jsonLines(_ path: String) throws -> [JSON] {
  let file = try MappedFile(path)
  return try withExtendedLifetime(file) {
    try file.bytes.split(separator: UInt8(ascii: "\n")).map {
      try JSON(parsing: UnsafeRawBufferPointer(rebasing: $0))
    }
  }
}

func ids(_ value: JSON?) -> [Int32] { (value?.array ?? []).compactMap { $0.integer.map(Int32.init) } }
