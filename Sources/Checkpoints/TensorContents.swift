import Files

/// The elements of a tensor on the disk: where they are, and how they are read.
public struct TensorContents: Sendable {
  public let type: ElementType
  public let layout: StridedLayout
  private let storage: any TensorStorage

  /// - Parameters:
  ///   - layout: the tensor's elements among those of `storage`; all of them are there.
  public init(_ storage: any TensorStorage, type: ElementType, layout: StridedLayout) {
    self.type = type
    self.layout = layout
    self.storage = storage
  }

  /// The same elements by another layout of the same storage.
  public func viewed(_ view: (StridedLayout) -> StridedLayout) -> TensorContents {
    TensorContents(storage, type: type, layout: view(layout))
  }

  /// Whether both are the same elements of the same storage. Nothing is read.
  public func isSame(as other: TensorContents) -> Bool {
    guard layout == other.layout, type == other.type else { return false }
    if let region = storage as? FileRegion, let other = other.storage as? FileRegion {
      return region.file === other.file && region.range == other.range
    }
    return storage as AnyObject === other.storage as AnyObject
  }

  /// The part of a file that is the tensor, byte for byte; nil when its elements do not lie there one after the other.
  /// - Throws: `CheckpointError` when a compressed storage cannot be unpacked.
  public func region() throws(CheckpointError) -> FileRegion? {
    guard layout.isContiguous else { return nil }
    let whole = try storage.region()
    let start = whole.range.lowerBound + layout.offset * type.size
    return FileRegion(file: whole.file, range: start..<start + layout.elementCount * type.size)
  }

  /// Gives back the memory that copying elements of another order than the file's has taken.
  /// - Throws: `CheckpointError` when a compressed storage cannot be unpacked.
  public func releasePages() throws(CheckpointError) {
    guard !layout.isContiguous else { return }
    let whole = try storage.region()
    whole.file.releasePages(whole.range)
  }

  /// Copies elements, counted in row-major order, little-endian and without gaps.
  /// - Throws: `CheckpointError.file` when the file has become shorter or cannot be read.
  /// - Precondition: the elements exist, and `bytes` has room for exactly them.
  public func copy(_ elements: Range<Int>, into bytes: UnsafeMutableRawBufferPointer) throws(CheckpointError) {
    let size = type.size
    precondition(bytes.count == elements.count * size, "a buffer of another size")
    let whole = try storage.region()
    do throws(FileError) {
      if layout.isContiguous {
        return try whole.file.read(
          at: whole.range.lowerBound + (layout.offset + elements.lowerBound) * size, into: bytes)
      }
      try whole.file.checkLength()
      var target = 0
      whole.withBytes { source in
        layout.forEachRun(elements) { run in
          gather(run, source, UnsafeMutableRawBufferPointer(rebasing: bytes[target..<target + run.count * size]))
          target += run.count * size
        }
      }
    } catch { throw .file(error) }
  }

  private func gather(
    _ run: StridedLayout.Run, _ source: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer
  ) {
    let size = type.size
    if run.stride == 1 {
      return target.copyMemory(
        from: UnsafeRawBufferPointer(rebasing: source[run.start * size..<(run.start + run.count) * size]))
    }
    func gather<Element: BitwiseCopyable>(as type: Element.Type) {
      for index in 0..<run.count {
        let element = source.loadUnaligned(fromByteOffset: (run.start &+ index &* run.stride) &* size, as: type)
        target.storeBytes(of: element, toByteOffset: index &* size, as: type)
      }
    }
    switch size {
    case 1: gather(as: UInt8.self)
    case 2: gather(as: UInt16.self)
    case 4: gather(as: UInt32.self)
    default: gather(as: UInt64.self)
    }
  }
}

/// The bytes that tensors are views of.
public protocol TensorStorage: Sendable {
  /// - Throws: `CheckpointError` when they have to be unpacked first and cannot be.
  func region() throws(CheckpointError) -> FileRegion
}
