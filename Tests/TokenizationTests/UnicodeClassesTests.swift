import Testing

@testable import Tokenization

struct UnicodeClassesTests {
  private func standard(_ scalar: Unicode.Scalar) -> CharacterClass {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: .letter
    case .decimalNumber, .letterNumber, .otherNumber: .number
    default: scalar.properties.isWhitespace ? .space : .other
    }
  }

  /// Unicode only assigns: what the table has the standard library must have too. What only the latter has came later.
  @Test func agreesWithTheStandardLibrary() {
    var counts: [CharacterClass: Int] = [:]
    var later = 0
    for value in UInt32(0)..<0x110000 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let found = UnicodeClasses.shared[value]
      counts[found, default: 0] += 1
      let expected = standard(scalar)
      if found == .other && expected != .other && value > 0x500 {
        later += 1
      } else if found != expected {
        Issue.record("U+\(String(value, radix: 16)) is \(expected), found \(found)")
      }
    }
    #expect(counts[.letter] == 141_028)
    #expect(counts[.number] == 1_911)
    #expect(counts[.space] == 25)
    // Unicode 17 added 4,657 letters and numbers.
    #expect(later < 20_000)
  }

  @Test func malformedTextIsReadByteByByte() {
    let cases: [([UInt8], UInt32, Int)] = [
      ([0x41], 0x41, 1), ([0xC3, 0xA9], 0xE9, 2), ([0xE2, 0x96, 0x81], 0x2581, 3),
      ([0xF0, 0x9F, 0x98, 0x80], 0x1F600, 4),
      ([0xC3], 0xFFFD, 1), ([0xE2, 0x96], 0xFFFD, 1), ([0x80, 0x80], 0xFFFD, 1), ([0xC0, 0x80], 0xFFFD, 1),
      ([0xE0, 0x80, 0x80], 0xFFFD, 1), ([0xED, 0xA0, 0x80], 0xFFFD, 1), ([0xF4, 0x90, 0x80, 0x80], 0xFFFD, 1),
      ([0xF0, 0x9F, 0x98, 0x41], 0xFFFD, 1), ([0xFF], 0xFFFD, 1),
    ]
    for (bytes, value, length) in cases {
      let scalar = bytes.withUnsafeBufferPointer { UTF8Scalar(in: $0, at: 0) }
      #expect(scalar.value == value && scalar.length == length, "\(bytes)")
    }
  }
}
