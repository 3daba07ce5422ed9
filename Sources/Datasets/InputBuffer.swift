import Glibc

/// The next bytes of a stream, as many as someone wants to see at a time.
final class InputBuffer {
  enum Search {
    /// Bytes before the pattern.
    case found(Int)
    /// Bytes before the end of the stream: the pattern does not come again.
    case ended(Int)
    /// It does not begin within the limit.
    case farther
  }

  private static let capacity = 1 << 18
  /// A buffer that has to hold a long document grows by at most this.
  private static let growth = 1 << 22

  private let stream: any ByteStream
  private var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 64)
  private var start = 0
  private var end = 0
  private var atEnd = false

  init(_ stream: any ByteStream) { self.stream = stream }

  deinit { memory.deallocate() }

  /// See `ByteStream.consumed`.
  var consumed: Int { stream.consumed }

  /// What was read and not yet passed over. Valid until the next call of another method.
  var held: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[start..<end]) }

  /// Passes over bytes that are held.
  func advance(_ count: Int) { start += count }

  /// Reads until `count` bytes are held.
  /// - Returns: false if the stream ends before.
  func fill(_ count: Int) throws(DatasetError) -> Bool {
    while end - start < count {
      if atEnd { return false }
      if end == memory.count { makeRoom() }
      let got = try stream.read(into: UnsafeMutableRawBufferPointer(rebasing: memory[end...]))
      atEnd = got == 0
      end += got
    }
    return true
  }

  /// Looks for the first `pattern` that begins at most `limit` bytes from here.
  func find(_ pattern: [UInt8], within limit: Int) throws(DatasetError) -> Search {
    var searched = 0
    while true {
      if let hit = offset(of: pattern, from: searched) { return hit <= limit ? .found(hit) : .farther }
      let count = end - start
      if count >= limit + pattern.count { return .farther }
      searched = max(0, count - pattern.count + 1)
      if try !fill(count + 1) { return .ended(count) }
    }
  }

  /// Passes over everything up to the end of the next `pattern`, or the end of the stream, however far that is.
  func pass(through pattern: [UInt8]) throws(DatasetError) -> (count: Int, found: Bool) {
    var passed = 0
    while true {
      if let hit = offset(of: pattern, from: 0) {
        advance(hit + pattern.count)
        return (passed + hit + pattern.count, true)
      }
      // The pattern may have begun in the last bytes.
      let count = max(0, end - start - pattern.count + 1)
      advance(count)
      passed += count
      if try !fill(pattern.count) {
        let rest = end - start
        advance(rest)
        return (passed + rest, false)
      }
    }
  }

  private func offset(of pattern: [UInt8], from searched: Int) -> Int? {
    let bytes = held
    guard let base = bytes.baseAddress else { return nil }
    var at = searched
    while bytes.count - at >= pattern.count {
      guard let first = memchr(base + at, Int32(pattern[0]), bytes.count - at - pattern.count + 1) else { return nil }
      at = UnsafeRawPointer(first) - base
      if pattern.count == 1 || memcmp(first, pattern, pattern.count) == 0 { return at }
      at += 1
    }
    return nil
  }

  private func makeRoom() {
    let count = end - start
    var capacity = memory.count
    if count > capacity / 2 {
      capacity += min(capacity, InputBuffer.growth)
    } else if capacity > InputBuffer.growth {
      // After one very long document.
      capacity = max(InputBuffer.capacity, 2 * count)
    }
    if capacity == memory.count {
      if count > 0, let base = memory.baseAddress { memmove(base, base + start, count) }
    } else {
      let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 64)
      larger.copyMemory(from: held)
      memory.deallocate()
      memory = larger
    }
    (start, end) = (0, count)
  }
}
