/// The escapes of Python's string literals, which Jinja's strings share.
enum PythonEscape {
  /// What a backslash before a character beyond ASCII gives.
  enum BeyondASCII {
    /// Both: Python's literals.
    case kept
    /// The backslash and the character's escape as text: Jinja encodes it before it decodes.
    case spelledOut
  }

  /// The text of a literal without its quotes. An unknown escape stands for itself.
  /// - Throws: `TemplateError` for half an escape, for `\N{…}`, and for surrogates, which a Swift string cannot hold.
  static func text(
    of literal: ArraySlice<Unicode.Scalar>, beyondASCII: BeyondASCII
  ) throws(TemplateError) -> String {
    guard literal.contains("\\") else { return PythonString.text(literal) }
    var result = String.UnicodeScalarView()
    var rest = literal
    while let scalar = rest.popFirst() {
      guard scalar == "\\" else {
        result.append(scalar)
        continue
      }
      guard let letter = rest.popFirst() else { throw TemplateError(.syntax, "a backslash at the end of a string") }
      switch letter {
      case "\n": break
      case "\\", "'", "\"": result.append(letter)
      case "a": result.append("\u{07}")
      case "b": result.append("\u{08}")
      case "f": result.append("\u{0C}")
      case "n": result.append("\n")
      case "r": result.append("\r")
      case "t": result.append("\t")
      case "v": result.append("\u{0B}")
      case "0"..."7":
        var value = digit(letter) ?? 0
        for _ in 0..<2 {
          guard let next = rest.first, let digit = digit(next), digit < 8 else { break }
          value = value << 3 | digit
          rest.removeFirst()
        }
        result.append(try codePoint(value))
      case "x": result.append(try codePoint(hexadecimal(&rest, letter: letter, width: 2)))
      case "u": result.append(try codePoint(hexadecimal(&rest, letter: letter, width: 4)))
      case "U": result.append(try codePoint(hexadecimal(&rest, letter: letter, width: 8)))
      case "N": throw TemplateError(.unsupported, "\\N{…}, a character by its name; write it as \\u and its number")
      case _ where !letter.isASCII && beyondASCII == .spelledOut:
        result.append(contentsOf: PythonString.escape(letter).unicodeScalars)
      default:
        result.append("\\")
        result.append(letter)
      }
    }
    return String(result)
  }

  private static func hexadecimal(
    _ rest: inout ArraySlice<Unicode.Scalar>, letter: Unicode.Scalar, width: Int
  ) throws(TemplateError) -> UInt32 {
    let digits = rest.prefix(width).compactMap { digit($0) }
    guard digits.count == width else { throw TemplateError(.syntax, "\\\(letter) needs \(width) hexadecimal digits") }
    rest.removeFirst(width)
    return digits.reduce(0) { $0 << 4 | $1 }
  }

  private static func digit(_ scalar: Unicode.Scalar) -> UInt32? {
    switch scalar {
    case "0"..."9": scalar.value - 0x30
    case "a"..."f": scalar.value - 0x61 + 10
    case "A"..."F": scalar.value - 0x41 + 10
    default: nil
    }
  }

  private static func codePoint(_ value: UInt32) throws(TemplateError) -> Unicode.Scalar {
    if let scalar = Unicode.Scalar(value) { return scalar }
    let number = String(value, radix: 16)
    guard value < 0x110000 else { throw TemplateError(.syntax, "an escape beyond Unicode: \(number)") }
    throw TemplateError(.unsupported, "half a surrogate pair: \\u\(number)")
  }
}
