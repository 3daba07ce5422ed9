import Files
import Synchronization

/// A dataset of one dimension that is read by ranges of its elements, from several threads at once. The chunks that
/// were unpacked last are kept, up to 32 MiB of them, one at least.
public final class HDF5Vector: Sendable {
  private static let cacheSize = 1 << 25
  private static let mostKept = 64
  /// Elements are read in parts of so many bytes where they are not in chunks.
  private static let partSize = 1 << 16

  public let type: HDF5Number
  public let isBigEndian: Bool
  public let count: Int
  private let file: MappedFile
  private let place: Place

  private enum Place {
    case contiguous(Range<Int>)
    case chunked(HDF5Chunks, ChunkCache)
  }

  /// - Throws: `HDF5Error` where there is no such dataset, or it cannot be read, or has another number of dimensions.
  public init(_ file: HDF5File, _ name: String) throws(HDF5Error) {
    let dataset = try file.dataset(name)
    guard dataset.shape.count == 1 else {
      throw .unreadableDataset(
        path: file.path, dataset: name, reason: "its shape is \(dataset.shape), expected one number")
    }
    type = dataset.type
    isBigEndian = dataset.isBigEndian
    count = dataset.shape[0]
    self.file = file.file
    if let chunks = try file.chunks(of: name) {
      let kept = min(max(HDF5Vector.cacheSize / chunks.byteCount, 1), HDF5Vector.mostKept)
      place = .chunked(chunks, ChunkCache(capacity: kept))
    } else {
      place = .contiguous(file.contiguousRange(of: dataset) ?? 0..<0)
    }
  }

  /// Gives the bytes of some elements, as they are stored, in one or several parts from the first to the last.
  /// - Parameter body: gets the number of the part's first element.
  /// - Precondition: the elements exist.
  public func read(_ elements: Range<Int>, _ body: (Int, UnsafeRawBufferPointer) -> Void) throws(HDF5Error) {
    precondition(elements.lowerBound >= 0 && elements.upperBound <= count, "elements that do not exist")
    switch place {
    case .contiguous(let range):
      do throws(FileError) { try read(elements, from: range.lowerBound, body) } catch { throw .file(error) }
    case .chunked(let chunks, let cache): try read(elements, chunks, cache, body)
    }
  }

  private func read(
    _ elements: Range<Int>, from start: Int, _ body: (Int, UnsafeRawBufferPointer) -> Void
  ) throws(FileError) {
    let size = type.size
    let step = HDF5Vector.partSize / size
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: min(step, elements.count) * size, alignment: 16)
    defer { buffer.deallocate() }
    for first in stride(from: elements.lowerBound, to: elements.upperBound, by: step) {
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<(min(step, elements.upperBound - first) * size)])
      try file.read(at: start + first * size, into: part)
      body(first, UnsafeRawBufferPointer(part))
    }
  }

  private func read(
    _ elements: Range<Int>, _ chunks: HDF5Chunks, _ cache: ChunkCache, _ body: (Int, UnsafeRawBufferPointer) -> Void
  ) throws(HDF5Error) {
    let length = chunks.chunk[0]
    var first = elements.lowerBound
    while first < elements.upperBound {
      let number = first / length
      let begin = number * length
      let end = min(begin + length, elements.upperBound)
      if let chunk = try cache.chunk(number, of: chunks) {
        chunk.withBytes { bytes in
          let range = (first - begin) * type.size..<(end - begin) * type.size
          body(first, UnsafeRawBufferPointer(rebasing: bytes[range]))
        }
      } else {
        fill(first..<end, with: chunks.fillValue, body)
      }
      first = end
    }
  }

  private func fill(_ elements: Range<Int>, with value: [UInt8], _ body: (Int, UnsafeRawBufferPointer) -> Void) {
    let step = min(HDF5Vector.partSize / type.size, elements.count)
    let values = [UInt8]([[UInt8]](repeating: value, count: step).joined())
    values.withUnsafeBytes { bytes in
      for first in stride(from: elements.lowerBound, to: elements.upperBound, by: step) {
        body(first, UnsafeRawBufferPointer(rebasing: bytes[..<(min(step, elements.upperBound - first) * type.size)]))
      }
    }
  }
}

/// The chunks that were used last.
private final class ChunkCache: Sendable {
  private struct Entry {
    var chunk: UnpackedChunk
    var lastUse: UInt64
  }

  private struct State {
    var entries: [Int: Entry] = [:]
    var uses: UInt64 = 0

    mutating func use(_ number: Int) -> UnpackedChunk? {
      uses += 1
      entries[number]?.lastUse = uses
      return entries[number]?.chunk
    }
  }

  private let capacity: Int
  private let state = Mutex(State())

  init(capacity: Int) { self.capacity = capacity }

  /// Nil for a chunk that was never written. Two threads that want the same one at once may both unpack it.
  func chunk(_ number: Int, of chunks: HDF5Chunks) throws(HDF5Error) -> UnpackedChunk? {
    if let known = state.withLock({ $0.use(number) }) { return known }
    guard chunks.contains(number) else { return nil }
    let new = UnpackedChunk(byteCount: chunks.byteCount)
    guard try chunks.read(number, into: { new.bytes }) else { return nil }
    state.withLock { state in
      if state.entries.count >= capacity, let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
        state.entries[oldest.key] = nil
      }
      state.uses += 1
      state.entries[number] = Entry(chunk: new, lastUse: state.uses)
    }
    return new
  }
}

/// Written once, before others can see it.
private final class UnpackedChunk: Sendable {
  nonisolated(unsafe) let bytes: UnsafeMutableRawBufferPointer

  init(byteCount: Int) { bytes = .allocate(byteCount: byteCount, alignment: 16) }

  deinit { bytes.deallocate() }

  func withBytes(_ body: (UnsafeRawBufferPointer) -> Void) {
    body(UnsafeRawBufferPointer(bytes))
    withExtendedLifetime(self) {}
  }
}
