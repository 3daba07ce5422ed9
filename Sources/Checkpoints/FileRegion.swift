import Files

/// Part of a mapped file.
public struct FileRegion: TensorStorage {
  public let file: MappedFile
  /// In bytes from the file's beginning.
  public let range: Range<Int>

  /// - Precondition: the range lies in the file.
  public init(file: MappedFile, range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= file.count, "a range outside the file")
    self.file = file
    self.range = range
  }

  public func region() -> FileRegion { self }

  /// The bytes, for the time of a call.
  public func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try file.withBytes { bytes throws(Failure) in try body(UnsafeRawBufferPointer(rebasing: bytes[range])) }
  }
}
