import Files

extension TensorSource {
  /// Bytes between two calls of a closure that makes elements.
  private static let chunkSize = 1 << 20
  /// Bytes between two reports of progress while a file is copied.
  private static let copySize = 1 << 26

  /// Appends the elements to a file.
  /// - Parameter advance: told the bytes written since the last call.
  /// - Throws: `CheckpointError`, `FileError`, and what the closures throw.
  func write(to file: FileWriter, advance: (Int) throws -> Void) throws {
    switch content {
    case .copy(let contents):
      if let region = try contents.region() {
        try copy(region, to: file, advance: advance)
      } else {
        try make(contents.copy, to: file, advance: advance)
        try contents.releasePages()
      }
    case .elements(let fill): try make(fill, to: file, advance: advance)
    }
  }

  private func copy(_ region: FileRegion, to file: FileWriter, advance: (Int) throws -> Void) throws {
    for start in stride(from: region.range.lowerBound, to: region.range.upperBound, by: TensorSource.copySize) {
      let end = min(start + TensorSource.copySize, region.range.upperBound)
      try file.copy(from: region.file, range: start..<end)
      try advance(end - start)
    }
  }

  private func make(
    _ fill: (Range<Int>, UnsafeMutableRawBufferPointer) throws -> Void, to file: FileWriter,
    advance: (Int) throws -> Void
  ) throws {
    let size = description.type.size
    let count = description.elementCount
    let chunk = min(count, TensorSource.chunkSize / size)
    guard chunk > 0 else { return }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: chunk * size, alignment: 64)
    defer { buffer.deallocate() }
    for start in stride(from: 0, to: count, by: chunk) {
      let end = min(start + chunk, count)
      let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer[..<((end - start) * size)])
      try fill(start..<end, bytes)
      try file.write(UnsafeRawBufferPointer(bytes))
      try advance(bytes.count)
    }
  }
}
