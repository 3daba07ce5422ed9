import Files

/// The chunks of one dataset, which are unpacked one at a time.
public struct HDF5Chunks: Sendable {
  public let dataset: HDF5Dataset
  /// Elements of one chunk along each axis. Those at the end of an axis may reach over the dataset's edge.
  public let chunk: [Int]
  /// Chunks along each axis. They are numbered in row-major order.
  public let grid: [Int]
  private let name: String
  private let file: MappedFile
  private let start: Int
  private let layout: HDF5ChunkLayout
  private let list: HDF5ChunkList

  /// Reads the list of the chunks of a dataset; nil for one that is not in chunks.
  init?(_ dataset: HDF5Dataset, named name: String, _ file: MappedFile, start: Int) throws(HDF5Error) {
    guard case .chunked(let layout) = dataset.place else { return nil }
    do throws(HDF5Failure) {
      list = try file.withBytes { bytes throws(HDF5Failure) in
        let input = HDF5Input(UnsafeRawBufferPointer(rebasing: bytes[start...]))
        return try HDF5ChunkList(layout, shape: dataset.shape, input)
      }
    } catch { throw error.error(in: file.path, dataset: name) }
    self.dataset = dataset
    self.name = name
    self.file = file
    self.start = start
    self.layout = layout
    chunk = layout.chunk
    grid = list.grid
  }

  /// Of one chunk.
  public var byteCount: Int { layout.byteCount }
  public var count: Int { grid.reduce(1, *) }
  /// The bytes of an element of a chunk that was never written.
  public var fillValue: [UInt8] { layout.fillValue }

  /// Whether a chunk was ever written.
  public func contains(_ number: Int) -> Bool { list[number] != nil }

  /// Unpacks a chunk into a buffer of exactly its size; false for one that was never written.
  /// - Parameter makeBuffer: called once the chunk is known to be as large as it should.
  /// - Throws: `HDF5Error.unreadableDataset` for a damaged one; `.file`.
  public func read(
    _ number: Int, into makeBuffer: () -> UnsafeMutableRawBufferPointer
  ) throws(HDF5Error) -> Bool {
    guard let chunk = list[number] else { return false }
    do throws(HDF5Failure) {
      // All filters are passed over.
      let mask = layout.leavesEdgesUnfiltered && reachesOverEdge(number) ? .max : chunk.mask
      guard layout.filters.canUnpack(chunk.size, to: layout.byteCount, mask: mask) else {
        throw .damaged("a chunk of \(chunk.size) bytes, which cannot be \(layout.byteCount)")
      }
      let stored = UnsafeMutableRawBufferPointer.allocate(byteCount: chunk.size, alignment: 16)
      defer { stored.deallocate() }
      do { try file.read(at: start + chunk.address, into: stored) } catch { throw .file(error) }
      try layout.filters.unpack(UnsafeRawBufferPointer(stored), mask: mask, into: makeBuffer())
    } catch { throw error.error(in: file.path, dataset: name) }
    return true
  }

  private func reachesOverEdge(_ number: Int) -> Bool {
    let origin = origin(of: number)
    return origin.indices.contains { origin[$0] + chunk[$0] > dataset.shape[$0] }
  }

  /// The place of a chunk's first element.
  private func origin(of number: Int) -> [Int] {
    var rest = number
    var origin = grid
    for axis in grid.indices.reversed() {
      let (quotient, coordinate) = rest.quotientAndRemainder(dividingBy: grid[axis])
      origin[axis] = coordinate * chunk[axis]
      rest = quotient
    }
    return origin
  }

  /// The elements of a chunk that belong to the dataset, as runs that lie one after the other in both.
  /// - Parameter body: gets the number of the run's first element in the chunk, that in the dataset, and their count;
  ///   both numbers are row-major.
  public func forEachRun<Failure: Error>(
    of number: Int, _ body: (_ source: Int, _ target: Int, _ count: Int) throws(Failure) -> Void
  ) throws(Failure) {
    let shape = dataset.shape
    let origin = origin(of: number)
    let size = shape.indices.map { min(chunk[$0], shape[$0] - origin[$0]) }
    // From the axis behind `inner` on, chunk and dataset are equally long.
    var inner = shape.count - 1
    while inner > 0, chunk[inner] == shape[inner] { inner -= 1 }
    let rowSize = shape[(inner + 1)...].reduce(1, *)
    var index = [Int](repeating: 0, count: inner)
    while true {
      var (source, target) = (0, 0)
      for axis in 0..<inner {
        source = source * chunk[axis] + index[axis]
        target = target * shape[axis] + origin[axis] + index[axis]
      }
      source = source * chunk[inner] * rowSize
      target = (target * shape[inner] + origin[inner]) * rowSize
      try body(source, target, size[inner] * rowSize)
      guard let axis = index.indices.last(where: { index[$0] + 1 < size[$0] }) else { return }
      index[axis] += 1
      for later in index.indices where later > axis { index[later] = 0 }
    }
  }
}
