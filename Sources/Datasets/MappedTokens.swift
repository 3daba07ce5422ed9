import Files

/// The ids of a mapped file. Copies of the value share the mapping.
struct MappedTokens: Sendable {
  /// Tokens.
  let count: Int
  private let file: MappedFile
  private let element: TokenElement
  /// Bytes before the first id, a multiple of 8.
  private let offset: Int

  /// - Parameter layout: lies within the file.
  init(_ file: MappedFile, _ layout: TokenLayout) {
    self.file = file
    element = layout.element
    offset = layout.offset
    count = layout.count
  }

  /// Bytes that are read at once: what is on the stack.
  private static let pieceSize = 1024

  /// Writes the ids of `range` as Int32. Allocates nothing, and reads through the system: a mapping would make every
  /// page that was ever drawn from, and its neighbours, part of this process' memory.
  /// - Throws: `FileError.changed` if the file has become shorter.
  func copy(_ range: Range<Int>, to destination: UnsafeMutablePointer<Int32>) throws(FileError) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    switch element {
    case .uint8: try copy(UInt8.self, range, destination)
    case .int16: try copy(Int16.self, range, destination)
    case .uint16: try copy(UInt16.self, range, destination)
    case .int32: try copy(Int32.self, range, destination)
    case .uint32: try copy(UInt32.self, range, destination)
    case .int64: try copy(Int64.self, range, destination)
    }
  }

  private func copy<Id: FixedWidthInteger>(
    _: Id.Type, _ range: Range<Int>, _ destination: UnsafeMutablePointer<Int32>
  ) throws(FileError) {
    let size = MemoryLayout<Id>.size
    try withUnsafeTemporaryAllocation(
      byteCount: MappedTokens.pieceSize, alignment: MemoryLayout<Int64>.alignment
    ) { buffer throws(FileError) in
      var done = 0
      while done < range.count {
        let piece = min(range.count - done, buffer.count / size)
        let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer[..<(piece * size)])
        try file.read(at: offset + (range.lowerBound + done) * size, into: bytes)
        let ids = bytes.assumingMemoryBound(to: Id.self)
        for k in 0..<piece { destination[done &+ k] = Int32(truncatingIfNeeded: Id(littleEndian: ids[k])) }
        done += piece
      }
    }
  }

  /// The first id that is not in 0..<vocabularySize, and its place; reads the whole file.
  /// - Throws: `FileError.changed` if the file has become shorter.
  func firstOutside(vocabularySize: Int) throws(FileError) -> (position: Int, token: Int)? {
    switch element {
    case .uint8: try first(UInt8.self, notBelow: vocabularySize)
    case .int16: try first(Int16.self, notBelow: vocabularySize)
    case .uint16: try first(UInt16.self, notBelow: vocabularySize)
    case .int32: try first(Int32.self, notBelow: vocabularySize)
    case .uint32: try first(UInt32.self, notBelow: vocabularySize)
    case .int64: try first(Int64.self, notBelow: vocabularySize)
    }
  }

  private func first<Id: FixedWidthInteger>(
    _: Id.Type, notBelow vocabularySize: Int
  ) throws(FileError) -> (position: Int, token: Int)? where Id.Magnitude: FixedWidthInteger {
    // As unsigned numbers, negative ids are above every other. No vocabulary is beyond Int32.
    let limit = min(vocabularySize, Int(Int32.max), Id.bitWidth < 32 ? Int(Id.max) + 1 : .max)
    guard let limit = Id.Magnitude(exactly: limit) else { return nil }
    let ids = UnsafeMutableBufferPointer<Id>.allocate(capacity: 1 << 16)
    defer { ids.deallocate() }
    // The largest id of a block is a loop without branches; only a block that has a bad one is looked at again.
    for start in stride(from: 0, to: count, by: ids.count) {
      let block = UnsafeMutableBufferPointer(rebasing: ids[..<min(ids.count, count - start)])
      let size = MemoryLayout<Id>.size
      try file.read(at: offset + start * size, into: UnsafeMutableRawBufferPointer(block))
      func unsigned(_ position: Int) -> Id.Magnitude {
        Id.Magnitude(truncatingIfNeeded: Id(littleEndian: block[position]))
      }
      var largest: Id.Magnitude = 0
      for k in block.indices { largest = max(largest, unsigned(k)) }
      if largest >= limit, let bad = block.indices.first(where: { unsigned($0) >= limit }) {
        return (start + bad, Int(Id(littleEndian: block[bad])))
      }
    }
    return nil
  }
}
