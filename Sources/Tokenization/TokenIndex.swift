import Glibc

/// Ids by the bytes of their tokens: a hash table that a look-up needs no allocation for.
struct TokenIndex: Sendable {
  private let bytes: [UInt8]
  /// Where the bytes of entry k begin; one more than entries.
  private let starts: [Int]
  private let ids: [Int32]
  /// Entry, or -1.
  private let slots: [Int32]
  /// Chosen anew for every table, so that no file can be made whose tokens all meet in one slot.
  private let seed: UInt64

  /// Of tokens that are equal, the first is found.
  init(_ entries: some Collection<(token: [UInt8], id: Int32)>) {
    var bytes: [UInt8] = []
    var starts = [0]
    starts.reserveCapacity(entries.count + 1)
    for entry in entries {
      bytes += entry.token
      starts.append(bytes.count)
    }
    let seed = UInt64.random(in: .min ... .max)
    var slots = [Int32](repeating: -1, count: TokenIndex.slotCount(for: entries.count))
    bytes.withUnsafeBufferPointer { all in
      for entry in 0..<entries.count {
        let token = UnsafeBufferPointer(rebasing: all[starts[entry]..<starts[entry + 1]])
        var slot = Int(truncatingIfNeeded: TokenIndex.hash(token, seed)) & (slots.count - 1)
        while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = Int32(entry)
      }
    }
    self.bytes = bytes
    self.starts = starts
    self.ids = entries.map(\.id)
    self.slots = slots
    self.seed = seed
  }

  /// A power of two, at least twice as many as entries.
  static func slotCount(for entries: Int) -> Int {
    var count = 8
    while count < 2 * entries { count *= 2 }
    return count
  }

  /// The id of a token, or nil.
  func id(of token: UnsafeBufferPointer<UInt8>) -> Int32? {
    bytes.withUnsafeBufferPointer { all in
      var slot = Int(truncatingIfNeeded: TokenIndex.hash(token, seed)) & (slots.count - 1)
      while slots[slot] >= 0 {
        let entry = Int(slots[slot])
        let found = UnsafeBufferPointer(rebasing: all[starts[entry]..<starts[entry + 1]])
        if TokenIndex.areEqual(found, token) { return ids[entry] }
        slot = (slot + 1) & (slots.count - 1)
      }
      return nil
    }
  }

  func id(of token: [UInt8]) -> Int32? { token.withUnsafeBufferPointer { id(of: $0) } }

  private static func areEqual(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Bool {
    guard a.count == b.count, let left = a.baseAddress, let right = b.baseAddress else { return a.count == b.count }
    return memcmp(left, right, a.count) == 0
  }

  private static func hash(_ token: UnsafeBufferPointer<UInt8>, _ seed: UInt64) -> UInt64 {
    var hash = seed
    let raw = UnsafeRawBufferPointer(token)
    var at = 0
    while at + 8 <= raw.count {
      hash = mix(hash ^ raw.loadUnaligned(fromByteOffset: at, as: UInt64.self))
      at += 8
    }
    var rest: UInt64 = 0
    while at < raw.count {
      rest = rest << 8 | UInt64(raw[at])
      at += 1
    }
    return mix(hash ^ rest ^ UInt64(raw.count) << 56)
  }

  /// The halves of the product with a number that has no pattern, folded (wyhash).
  @inline(__always)
  static func mix(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    return product.high ^ product.low
  }
}
