/// Brings text into composed form (NFC, Unicode Standard Annex 15) as `tokenizers` does.
///
/// Most text is composed: it is only looked at, and neither copied nor decoded below U+0300.
///
/// Keeps its memory between texts.
struct CanonicalComposer {
  private let tables = CanonicalTables.shared
  /// Characters between two boundaries: combining class, place and scalar.
  private var characters: [UInt64] = []
  /// The composed text, if it differs.
  private var result: [UInt8] = []

  /// More than this is not kept for the next text.
  private static let retainedCapacity = 1 << 20

  /// Calls `body` with the composed text. Bytes that are no UTF-8 stay as they are.
  mutating func withComposed(_ text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
    result.removeAll(keepingCapacity: true)
    // Text before this has been copied.
    var done = 0
    var at = 0
    while let part = partInDoubt(text, from: &at) {
      at = part.upperBound
      if isComposed(text, part) { continue }
      result.append(contentsOf: text[done..<part.lowerBound])
      appendComposed(text, part)
      done = part.upperBound
    }
    if done == 0 { return body(text) }
    result.append(contentsOf: text[done...])
    result.withUnsafeBufferPointer(body)
    if result.capacity > CanonicalComposer.retainedCapacity { result = [] }
    if characters.capacity > CanonicalComposer.retainedCapacity { characters = [] }
  }

  // MARK: - What may change

  /// The next place that has characters between boundaries, from the boundary before them to the one behind.
  private func partInDoubt(_ text: UnsafeBufferPointer<UInt8>, from at: inout Int) -> Range<Int>? {
    var last = at
    while at < text.count {
      // The lead of U+0300.
      if text[at] < 0xCC {
        last = at
        at += 1
        continue
      }
      let scalar = UTF8Scalar(in: text, at: at)
      if !tables[scalar.value].isBoundary {
        let start = start(ofCharacterFrom: last, endingAt: at, text)
        var end = at + scalar.length
        while end < text.count {
          let next = UTF8Scalar(in: text, at: end)
          if tables[next.value].isBoundary { break }
          end += next.length
        }
        return start..<end
      }
      last = at
      at += scalar.length
    }
    return nil
  }

  /// Where the character in front of `end` begins; `end` if that is no character.
  /// - Parameter last: begins it, or is its last byte.
  private func start(ofCharacterFrom last: Int, endingAt end: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
    guard last < end else { return end }
    var start = last
    while start > 0, last - start < 3, text[start] & 0xC0 == 0x80 { start -= 1 }
    let scalar = UTF8Scalar(in: text, at: start)
    let isWhole = start + scalar.length == end && (scalar.length > 1 || text[start] < 0x80)
    return isWhole ? start : end
  }

  /// Nothing to replace, and the marks in order.
  private func isComposed(_ text: UnsafeBufferPointer<UInt8>, _ part: Range<Int>) -> Bool {
    var at = part.lowerBound
    var lastClass: UInt8 = 0
    while at < part.upperBound {
      let scalar = UTF8Scalar(in: text, at: at)
      let entry = tables[scalar.value]
      if entry.changes || entry.combiningClass != 0 && entry.combiningClass < lastClass { return false }
      lastClass = entry.combiningClass
      at += scalar.length
    }
    return true
  }

  // MARK: - Changing it

  private mutating func appendComposed(_ text: UnsafeBufferPointer<UInt8>, _ part: Range<Int>) {
    characters.removeAll(keepingCapacity: true)
    var at = part.lowerBound
    while at < part.upperBound {
      let scalar = UTF8Scalar(in: text, at: at)
      tables.decompose(scalar.value) { appendDecomposed($0) }
      at += scalar.length
    }
    orderMarks()
    for character in characters[..<compose()] {
      guard let scalar = Unicode.Scalar(CanonicalComposer.scalar(character)) else { continue }
      result.append(contentsOf: scalar.utf8)
    }
  }

  /// The class stands highest, so that characters sort by it, then by their place.
  private mutating func appendDecomposed(_ scalar: UInt32) {
    let combiningClass = UInt64(tables[scalar].combiningClass)
    characters.append(combiningClass << 53 | UInt64(characters.count) << 21 | UInt64(scalar))
  }

  private static func combiningClass(_ character: UInt64) -> UInt64 { character >> 53 }

  private static func scalar(_ character: UInt64) -> UInt32 { UInt32(character & 0x1F_FFFF) }

  private mutating func orderMarks() {
    var at = 0
    while at < characters.count {
      if CanonicalComposer.combiningClass(characters[at]) == 0 {
        at += 1
        continue
      }
      let first = at
      while at < characters.count, CanonicalComposer.combiningClass(characters[at]) != 0 { at += 1 }
      characters[first..<at].sort()
    }
  }

  /// Composes in place and returns how many characters are left, in front.
  private mutating func compose() -> Int {
    var count = 0
    var starter: Int?
    var lastClass: UInt64 = 0
    for character in characters {
      let combiningClass = CanonicalComposer.combiningClass(character)
      // A mark of the same class in between, or a starter, stands in the way.
      if let starter, lastClass == 0 || lastClass < combiningClass,
        let composite = tables.compose(
          CanonicalComposer.scalar(characters[starter]), CanonicalComposer.scalar(character))
      {
        characters[starter] = UInt64(composite)
        continue
      }
      if combiningClass == 0 { starter = count }
      lastClass = combiningClass
      characters[count] = character
      count += 1
    }
    return count
  }
}
