/// What GPT-2's pattern asks of a character.
enum CharacterClass: UInt8 {
  case other
  /// \p{L}
  case letter
  /// \p{N}
  case number
  /// \s: the property White_Space.
  case space
}

/// The class of every Unicode scalar, by two table look-ups.
///
/// The tables are Unicode 16, as `tokenizers` and `tiktoken` have them, and not those of the standard library, so that
/// a text has the same tokens whatever the toolchain.
struct UnicodeClasses: Sendable {
  static let shared = UnicodeClasses()

  private static let pageSize = 256

  /// Page of a block of 256 scalars.
  private let pageOfBlock: [UInt8]
  /// Pages that occur, one after the other; page 0 begins with ASCII.
  private let pages: [CharacterClass]

  private init() {
    var classes = [CharacterClass](repeating: .other, count: 0x110000)
    UnicodeClasses.fill(&classes, runs: UnicodeClasses.letterRuns, with: .letter)
    UnicodeClasses.fill(&classes, runs: UnicodeClasses.numberRuns, with: .number)
    for range in [
      0x09...0x0D, 0x20...0x20, 0x85...0x85, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029,
      0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000,
    ] {
      for scalar in range { classes[scalar] = .space }
    }
    var pageOfBlock: [UInt8] = []
    var pages: [CharacterClass] = []
    var known: [[CharacterClass]: UInt8] = [:]
    for start in stride(from: 0, to: classes.count, by: UnicodeClasses.pageSize) {
      let page = Array(classes[start..<start + UnicodeClasses.pageSize])
      if known[page] == nil {
        known[page] = UInt8(known.count)
        pages += page
      }
      pageOfBlock.append(known[page] ?? 0)
    }
    self.pageOfBlock = pageOfBlock
    self.pages = pages
  }

  private static func fill(_ classes: inout [CharacterClass], runs: [UInt16], with value: CharacterClass) {
    var at = 0
    for pair in stride(from: 0, to: runs.count, by: 2) {
      at += Int(runs[pair])
      for scalar in at..<at + Int(runs[pair + 1]) { classes[scalar] = value }
      at += Int(runs[pair + 1])
    }
  }

  /// - Parameter scalar: below 0x110000.
  @inline(__always)
  subscript(scalar: UInt32) -> CharacterClass {
    let page = Int(pageOfBlock[Int(scalar >> 8)])
    return pages[page * UnicodeClasses.pageSize + Int(scalar & 0xFF)]
  }

  /// The class of the character at `text[at]`, and how many bytes it takes.
  @inline(__always)
  func classify(_ at: Int, _ text: UnsafeBufferPointer<UInt8>) -> (CharacterClass, length: Int) {
    let scalar = UTF8Scalar(in: text, at: at)
    return (self[scalar.value], scalar.length)
  }

  /// Where the characters of one class end that begin at `start`.
  @inline(__always)
  func run(of kind: CharacterClass, from start: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
    var at = start
    while at < text.count {
      let (found, length) = classify(at, text)
      guard found == kind else { break }
      at += length
    }
    return at
  }
}
