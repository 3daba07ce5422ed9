import Files

/// Part of a mapped file.
public struct FileRegion: Sendable {
  public let file: MappedFile
  /// In bytes from the file's beginning.
  public let range: Range<Int>

  /// - Precondition: the range lies in the file.
  public init(file: MappedFile, range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= file.bytes.count, "a range outside the file")
    self.file = file
    self.range = range
  }

  /// Valid as long as `file` lives.
  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: file.bytes[range]) }
}
