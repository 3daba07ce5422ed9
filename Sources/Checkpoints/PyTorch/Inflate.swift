import CZlib
import Files

/// A deflated member of a zip archive.
struct DeflatedBytes: Sendable {
  /// Compressed.
  let region: FileRegion
  let name: String
  /// When unpacked.
  let size: Int
  /// CRC-32 of the unpacked bytes.
  let checksum: UInt32

  private static let bufferSize = 1 << 18
  private static let chunkSize = 1 << 24

  /// Unpacks it, a buffer at a time.
  /// - Throws: `PyTorchFailure.damaged` when the bytes are not as many as said, or not those; what `body` throws.
  func inflate(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    // zlib keeps a pointer back to the z_stream, which must therefore not move.
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    defer { stream.deallocate() }
    guard czlib_inflate_init_raw(stream) == Z_OK else { throw PyTorchFailure.damaged("zlib cannot be started") }
    defer { inflateEnd(stream) }
    let output = UnsafeMutableRawBufferPointer.allocate(byteCount: DeflatedBytes.bufferSize, alignment: 16)
    defer { output.deallocate() }
    try region.file.checkLength()
    let damaged = PyTorchFailure.damaged("its member \(quoted(name)) is damaged, or not as long as it says")
    var total = 0
    var sum = crc32(0, nil, 0)
    try region.withBytes { source in
      var rest = source[...]
      var status = Z_OK
      while status != Z_STREAM_END {
        if stream.pointee.avail_in == 0 {
          let chunk = UnsafeRawBufferPointer(rebasing: rest.prefix(DeflatedBytes.chunkSize))
          rest = rest.dropFirst(chunk.count)
          // zlib only reads there.
          stream.pointee.next_in = UnsafeMutablePointer(
            mutating: chunk.bindMemory(to: UInt8.self).baseAddress)
          stream.pointee.avail_in = UInt32(chunk.count)
        }
        stream.pointee.next_out = output.bindMemory(to: UInt8.self).baseAddress
        stream.pointee.avail_out = UInt32(output.count)
        status = CZlib.inflate(stream, Z_NO_FLUSH)
        let made = UnsafeRawBufferPointer(rebasing: output[..<(output.count - Int(stream.pointee.avail_out))])
        total += made.count
        guard status == Z_OK || status == Z_STREAM_END, total <= size else { throw damaged }
        sum = crc32(sum, made.bindMemory(to: UInt8.self).baseAddress, UInt32(made.count))
        try body(made)
      }
      guard total == size, UInt32(truncatingIfNeeded: sum) == checksum, rest.isEmpty else { throw damaged }
    }
  }
}

extension DeflatedBytes {
  /// In memory.
  func unpacked() throws(PyTorchFailure) -> [UInt8] {
    var bytes: [UInt8] = []
    do { try inflate { bytes += $0 } } catch let error as PyTorchFailure { throw error } catch let error as FileError {
      throw .file(error)
    } catch { throw .damaged("\(error)") }
    return bytes
  }

  /// Whether these are the bytes that were stored.
  func matches(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let sum = crc32_z(crc32(0, nil, 0), bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
    return UInt32(truncatingIfNeeded: sum) == checksum
  }
}
