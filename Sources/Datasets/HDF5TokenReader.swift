import Files

/// Reads a raw token file from its beginning to its end, in the chunks that an HDF5 file of it has.
struct HDF5TokenReader {
  /// As many elements as every other, of which the first `count` count; zeros behind them.
  struct Chunk: Sendable {
    var bytes: [UInt8]
    var count: Int
  }

  private static let bufferSize = 1 << 20

  let count: Int
  private let file: MappedFile
  private let storage: TokenStorage

  init(_ file: MappedFile, storage: TokenStorage, count: Int) {
    self.file = file
    self.storage = storage
    self.count = count
  }

  /// The tokens as they are stored.
  func chunks(of size: Int) -> () throws -> Chunk? {
    var next = 0
    return { [self] in
      guard next < count else { return nil }
      let length = min(size, count - next)
      var bytes = [UInt8](repeating: 0, count: size * storage.bytes)
      try bytes.withUnsafeMutableBytes {
        try file.read(
          at: next * storage.bytes, into: UnsafeMutableRawBufferPointer(rebasing: $0[..<(length * storage.bytes)]))
      }
      next += length
      return Chunk(bytes: bytes, count: length)
    }
  }

  /// Where each document begins and, last, where all end, as little-endian UInt64.
  func offsets(
    _ documents: HDF5TokenWriter.Documents, path: String, chunk size: Int
  ) -> () throws -> Chunk? {
    let nextOffset =
      switch documents {
      case .lengths(let next): offsets(of: next, path: path)
      case .boundary(let boundary): offsets(of: boundary)
      }
    return {
      var bytes: [UInt8] = []
      bytes.reserveCapacity(8 * size)
      while bytes.count < 8 * size, let offset = try nextOffset() {
        withUnsafeBytes(of: UInt64(offset).littleEndian) { bytes += $0 }
      }
      guard !bytes.isEmpty else { return nil }
      let length = bytes.count / 8
      bytes += [UInt8](repeating: 0, count: 8 * size - bytes.count)
      return Chunk(bytes: bytes, count: length)
    }
  }

  private func offsets(of next: @escaping () throws -> Int?, path: String) -> () throws -> Int? {
    var (offset, isDone) = (0, false)
    return { [count] in
      guard !isDone else { return nil }
      let begin = offset
      if let length = try next() {
        guard length >= 0, length <= count - offset else {
          throw DatasetError.malformedTokenFile(
            path: path, format: .raw, reason: "its documents have more than its \(count) tokens")
        }
        offset += length
      } else {
        guard offset == count else {
          throw DatasetError.malformedTokenFile(
            path: path, format: .raw, reason: "\(count) tokens, but its documents have \(offset)")
        }
        isDone = true
      }
      return begin
    }
  }

  /// Found by the separators. A document that the file's end cuts off counts.
  private func offsets(of boundary: DocumentBoundary) -> () throws -> Int? {
    // A document begins at a separator, or right after one.
    let lead = boundary.side == .append ? 1 : 0
    var buffer = [UInt8](repeating: 0, count: HDF5TokenReader.bufferSize)
    // Tokens buffer[0..<end - start] are those from `start` on; `next` is the first that was not looked at.
    var (start, end, next) = (0, 0, 0)
    var state = 0
    return { [self] in
      if state == 0 {
        state = 1
        return 0
      }
      while next < count {
        if next == end {
          start = end
          let length = min(buffer.count / storage.bytes, count - start)
          try buffer.withUnsafeMutableBytes {
            try file.read(
              at: start * storage.bytes, into: UnsafeMutableRawBufferPointer(rebasing: $0[..<(length * storage.bytes)]))
          }
          end = start + length
        }
        let found = buffer.withUnsafeBytes { bytes -> Int? in
          for position in next..<end where token(position - start, of: bytes) == boundary.token { return position }
          return nil
        }
        next = found.map { $0 + 1 } ?? end
        if let begin = found.map({ $0 + lead }), begin > 0, begin < count { return begin }
      }
      if state == 1 {
        state = 2
        return count
      }
      return nil
    }
  }

  private func token(_ index: Int, of bytes: UnsafeRawBufferPointer) -> Int32 {
    switch storage {
    case .uint16: Int32(UInt16(littleEndian: bytes.load(fromByteOffset: 2 &* index, as: UInt16.self)))
    case .uint32: Int32(bitPattern: UInt32(littleEndian: bytes.load(fromByteOffset: 4 &* index, as: UInt32.self)))
    }
  }
}
