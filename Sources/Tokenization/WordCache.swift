/// The tokens of words met before. One slot for each hash: a new word takes the place of an old one, so that the cache
/// never grows, and text made to defeat it is merely not helped by it.
final class WordCache {
  static let longestWord = 32
  static let mostTokens = 7
  private static let slotCount = 1 << 16

  typealias Tokens = (Int32, Int32, Int32, Int32, Int32, Int32, Int32)

  /// A word's bytes, zeros behind them, and its length.
  struct Key {
    private var a: UInt64
    private var b: UInt64 = 0
    private var c: UInt64 = 0
    private var d: UInt64 = 0
    private var length: UInt8

    /// The key of no word.
    fileprivate init() {
      a = 0
      length = 0
    }

    /// - Parameter count: 1 to `longestWord`.
    @inline(__always)
    init(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, count: Int) {
      let raw = UnsafeRawBufferPointer(text)
      length = UInt8(truncatingIfNeeded: count)
      a = Key.load(raw, start, min(count, 8))
      if count > 8 { b = Key.load(raw, start + 8, min(count - 8, 8)) }
      if count > 16 { c = Key.load(raw, start + 16, min(count - 16, 8)) }
      if count > 24 { d = Key.load(raw, start + 24, count - 24) }
    }

    /// `count` bytes, 1 to 8.
    @inline(__always)
    private static func load(_ raw: UnsafeRawBufferPointer, _ at: Int, _ count: Int) -> UInt64 {
      if at + 8 <= raw.count {
        let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: at, as: UInt64.self))
        return word & (UInt64.max >> UInt64(64 - 8 * count))
      }
      return (0..<count).reduce(0) { $0 | UInt64(raw[at + $1]) << UInt64(8 * $1) }
    }

    @inline(__always)
    fileprivate var hash: UInt64 {
      var hash = TokenIndex.mix(a ^ UInt64(length) << 56)
      if length > 8 { hash = TokenIndex.mix(hash ^ b) }
      if length > 16 { hash = TokenIndex.mix(hash ^ c) &+ TokenIndex.mix(hash &+ d) }
      return hash
    }

    @inline(__always)
    static func == (x: Key, y: Key) -> Bool {
      // One branch: that one key differs from the other is seldom known from its first word.
      (x.a ^ y.a) | (x.b ^ y.b) | (x.c ^ y.c) | (x.d ^ y.d) | UInt64(x.length ^ y.length) == 0
    }
  }

  /// One cache line.
  struct Slot {
    var key = Key()
    var count: UInt8 = 0
    var tokens: Tokens = (0, 0, 0, 0, 0, 0, 0)
  }

  private let slots: UnsafeMutablePointer<Slot>

  init() {
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: WordCache.slotCount * MemoryLayout<Slot>.stride, alignment: MemoryLayout<Slot>.stride)
    slots = memory.initializeMemory(as: Slot.self, repeating: Slot(), count: WordCache.slotCount)
  }

  deinit { UnsafeMutableRawPointer(slots).deallocate() }

  /// Where a word's tokens are, if it has been kept.
  @inline(__always)
  func slot(of key: Key) -> UnsafeMutablePointer<Slot> {
    slots + Int(truncatingIfNeeded: key.hash & UInt64(WordCache.slotCount - 1))
  }
}
