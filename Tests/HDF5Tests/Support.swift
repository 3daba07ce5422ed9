import Files
import Foundation
import HDF5Fixtures

@testable import HDF5

/// A directory that goes when the test ends.
final class TemporaryDirectory {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("hdf5-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path): \(error)") }
  }

  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name))
    return path + "/" + name
  }
}

func message<T>(of body: () throws -> T) -> String {
  do { _ = try body() } catch { return "\(error)" }
  return "no error"
}

extension HDF5File {
  init(_ path: String) throws { try self.init(MappedFile(path)) }

  func bytes(of name: String) throws -> [UInt8] {
    let range = contiguousRange(of: try dataset(name))
    return file.withBytes { bytes in range.map { Array(bytes[$0]) } ?? [] }
  }
}
