/// How characters decompose and compose canonically, and the order of marks.
///
/// The tables are those of `tokenizers` and not those of the standard library: characters that came to Unicode later
/// stay as they are there, and a text has the same tokens whatever the toolchain.
struct CanonicalTables: Sendable {
  static let shared = CanonicalTables()

  /// What the table of scalars holds.
  struct Entry {
    fileprivate(set) var bits: UInt16

    /// Canonical_Combining_Class; 0 for a character that marks gather behind (a starter).
    var combiningClass: UInt8 { UInt8(truncatingIfNeeded: bits) }
    /// A composed text may not have it, or not after just any character (NFC_Quick_Check is not Yes).
    var changes: Bool { bits & Entry.changing != 0 }
    /// Composition never reaches over the place before it.
    var isBoundary: Bool { bits == 0 }

    fileprivate static let changing: UInt16 = 1 << 8
  }

  /// Hangul syllables are composed by arithmetic (The Unicode Standard, section 3.12).
  enum Hangul {
    static let syllables: Range<UInt32> = 0xAC00..<0xAC00 + 19 * 21 * 28
    static let leading: Range<UInt32> = 0x1100..<0x1100 + 19
    static let vowels: Range<UInt32> = 0x1161..<0x1161 + 21
    /// The first stands for none.
    static let trailing: Range<UInt32> = 0x11A7..<0x11A7 + 28
  }

  private static let pageSize = 256

  /// Page of a block of 256 scalars; page 0 is empty.
  private var pageOfBlock = [UInt8](repeating: 0, count: 0x110000 / pageSize)
  private var pages = [Entry](repeating: Entry(bits: 0), count: pageSize)
  private var decompositions: [UInt32: (first: UInt32, second: UInt32)] = [:]
  /// By first part, in the upper half, and second.
  private var composites: [UInt64: UInt32] = [:]

  private init() {
    var at: UInt32 = 0
    CanonicalTables.forEachThree(CanonicalTables.classRuns) { gap, count, combiningClass in
      at += gap
      for scalar in at..<at + count { add(UInt16(combiningClass), to: scalar) }
      at += count
    }
    var composed: UInt32 = 0
    CanonicalTables.forEachThree(CanonicalTables.composites) { gap, first, second in
      composed += gap
      decompositions[composed] = (first, second)
      composites[CanonicalTables.pair(first, second)] = composed
      add(Entry.changing, to: second)
    }
    var other: UInt32 = 0
    CanonicalTables.forEachThree(CanonicalTables.others) { gap, first, second in
      other += gap
      decompositions[other] = (first, second)
      add(Entry.changing, to: other)
    }
    for scalar in Hangul.vowels { add(Entry.changing, to: scalar) }
    for scalar in Hangul.trailing.dropFirst() { add(Entry.changing, to: scalar) }
  }

  private static func forEachThree(_ numbers: [UInt32], _ body: (UInt32, UInt32, UInt32) -> Void) {
    for index in stride(from: 0, to: numbers.count, by: 3) {
      body(numbers[index], numbers[index + 1], numbers[index + 2])
    }
  }

  private mutating func add(_ bits: UInt16, to scalar: UInt32) {
    let block = Int(scalar) / CanonicalTables.pageSize
    if pageOfBlock[block] == 0 {
      pageOfBlock[block] = UInt8(pages.count / CanonicalTables.pageSize)
      pages += Array(repeating: Entry(bits: 0), count: CanonicalTables.pageSize)
    }
    let index = Int(pageOfBlock[block]) * CanonicalTables.pageSize + Int(scalar) % CanonicalTables.pageSize
    pages[index].bits |= bits
  }

  private static func pair(_ first: UInt32, _ second: UInt32) -> UInt64 { UInt64(first) << 32 | UInt64(second) }

  /// - Parameter scalar: below 0x110000.
  subscript(scalar: UInt32) -> Entry {
    pages[Int(pageOfBlock[Int(scalar >> 8)]) * CanonicalTables.pageSize + Int(scalar & 0xFF)]
  }

  /// Calls `body` with the characters that a character decomposes to, itself if it does not.
  func decompose(_ scalar: UInt32, _ body: (UInt32) -> Void) {
    if let (first, second) = decompositions[scalar] {
      decompose(first, body)
      if second != 0 { body(second) }
    } else if Hangul.syllables.contains(scalar) {
      let index = scalar - Hangul.syllables.lowerBound
      body(Hangul.leading.lowerBound + index / (21 * 28))
      body(Hangul.vowels.lowerBound + index / 28 % 21)
      if index % 28 != 0 { body(Hangul.trailing.lowerBound + index % 28) }
    } else {
      body(scalar)
    }
  }

  /// What two characters compose to; nil if they do not.
  func compose(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if Hangul.leading.contains(first), Hangul.vowels.contains(second) {
      let index = (first - Hangul.leading.lowerBound) * 21 + second - Hangul.vowels.lowerBound
      return Hangul.syllables.lowerBound + index * 28
    }
    if Hangul.syllables.contains(first), Hangul.trailing.dropFirst().contains(second) {
      guard (first - Hangul.syllables.lowerBound) % 28 == 0 else { return nil }
      return first + second - Hangul.trailing.lowerBound
    }
    return composites[CanonicalTables.pair(first, second)]
  }
}
