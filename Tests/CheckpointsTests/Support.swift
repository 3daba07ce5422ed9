import Files
import Foundation

@testable import Checkpoints

/// A directory that goes when the test ends.
final class TemporaryDirectory {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("checkpoints-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path): \(error)") }
  }

  func file(_ name: String) -> String { path + "/" + name }

  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let url = URL(fileURLWithPath: file(name))
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
    return file(name)
  }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }

  /// A safetensors file with this header and so many bytes of data: 0, 1, 2, …
  @discardableResult
  func safetensors(_ name: String, _ header: String, data: Int = 0, headerLength: UInt64? = nil) throws -> String {
    var length = (headerLength ?? UInt64(header.utf8.count)).littleEndian
    let bytes = withUnsafeBytes(of: &length) { Array($0) }
    return try write(name, bytes + Array(header.utf8) + (0..<data).map { UInt8(truncatingIfNeeded: $0) })
  }

  func read(_ name: String) throws -> [UInt8] { try contents(file(name)) }

  func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
}

func contents(_ path: String) throws -> [UInt8] { try [UInt8](Data(contentsOf: URL(fileURLWithPath: path))) }

func message<T>(of body: () throws -> T) -> String {
  do { _ = try body() } catch { return "\(error)" }
  return "no error"
}

extension CheckpointReader {
  func bytes(of name: String) throws -> [UInt8] {
    guard let tensor = description(of: name) else { throw CheckpointError.missingTensor(path: path, tensor: name) }
    var bytes = [UInt8](repeating: 0, count: tensor.byteCount)
    try bytes.withUnsafeMutableBytes { try contents(of: name).copy(0..<tensor.elementCount, into: $0) }
    return bytes
  }

  func region(of name: String) throws -> FileRegion? { try contents(of: name).region() }

  func floats(_ name: String) throws -> [Float] {
    let count = description(of: name)?.elementCount ?? 0
    var values = [Float](repeating: 0, count: count)
    try values.withUnsafeMutableBufferPointer { try read(name, into: $0) }
    return values
  }
}

extension ElementType {
  func bytes(of values: [Float]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: values.count * size)
    values.withUnsafeBufferPointer { values in bytes.withUnsafeMutableBytes { convert(values, into: $0) } }
    return bytes
  }

  func floats(of bytes: [UInt8]) -> [Float] {
    var values = [Float](repeating: 0, count: bytes.count / size)
    bytes.withUnsafeBytes { bytes in values.withUnsafeMutableBufferPointer { convert(bytes, into: $0) } }
    return values
  }
}

extension HDF5Checkpoint {
  init(_ path: String) throws { try self.init(MappedFile(path)) }
}
