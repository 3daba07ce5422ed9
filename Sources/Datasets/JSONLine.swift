import Files

/// Finds the text in one line of a .jsonl file. The whole line is checked (RFC 8259), but nothing is built for the other keys.
struct JSONLine {
  enum Failure: Error, Equatable {
    case malformed(String)
    case missing(found: [String])
    case notAString(String)
    case invalidUTF8
  }

  /// As deep as arrays and objects may nest; the same limit as `Files.JSON`.
  static let depthLimit = 128

  private let line: UnsafeBufferPointer<UInt8>
  private var at = 0

  /// Appends the string under `key` of the object on `line` to `text`. Of a repeated key the last one counts, as in Python.
  static func appendText(
    key: [UInt8], of line: UnsafeBufferPointer<UInt8>, to text: inout [UInt8]
  ) throws(Failure) {
    guard firstInvalidUTF8(line) == nil else { throw .invalidUTF8 }
    var scanner = JSONLine(line)
    try scanner.topLevel(key: key, text: &text)
  }

  private init(_ line: UnsafeBufferPointer<UInt8>) { self.line = line }

  private mutating func topLevel(key wanted: [UInt8], text: inout [UInt8]) throws(Failure) {
    let base = text.count
    var found = false
    // What the key holds instead of a string.
    var otherKind: String?
    var keys: [String] = []
    var key: [UInt8] = []
    skipSpace()
    guard take(0x7B) else { throw malformed("expected '{'") }  // {
    skipSpace()
    if !take(0x7D) {  // }
      while true {
        skipSpace()
        key.removeAll(keepingCapacity: true)
        try string(into: &key, wanted: true)
        skipSpace()
        guard take(0x3A) else { throw malformed("expected ':'") }  // :
        skipSpace()
        if key == wanted {
          text.removeSubrange(base...)
          found = true
          otherKind = peek == 0x22 ? nil : kind
          if otherKind == nil { try string(into: &text, wanted: true) } else { try value(depth: 1, scratch: &key) }
        } else {
          if keys.count < 8 { keys.append(JSONLine.shown(key)) }
          try value(depth: 1, scratch: &key)
        }
        skipSpace()
        if take(0x2C) { continue }  // ,
        guard take(0x7D) else { throw malformed("expected ',' or '}'") }
        break
      }
    }
    skipSpace()
    guard at == line.count else { throw malformed("more after the object") }
    if !found { throw .missing(found: keys) }
    if let otherKind { throw .notAString(otherKind) }
  }

  /// A key as messages of one line show it.
  private static func shown(_ key: [UInt8]) -> String {
    String(decoding: key.prefix(40).map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
  }

  /// Passes over one value.
  private mutating func value(depth: Int, scratch: inout [UInt8]) throws(Failure) {
    switch peek {
    case 0x22: try string(into: &scratch, wanted: false)
    case 0x7B, 0x5B:
      guard depth < JSONLine.depthLimit else { throw malformed("nested deeper than \(JSONLine.depthLimit)") }
      try container(depth: depth, scratch: &scratch)
    case 0x74: try literal("true")
    case 0x66: try literal("false")
    case 0x6E: try literal("null")
    // Python's json writes these three for what RFC 8259 has no number for.
    case 0x4E: try literal("NaN")
    case 0x49: try literal("Infinity")
    case 0x2D where at + 1 < line.count && line[at + 1] == 0x49: try literal("-Infinity")
    case .some(0x2D), .some(0x30...0x39): try number()
    case nil: throw malformed("the line ends early")
    default: throw malformed("expected a value")
    }
  }

  private mutating func container(depth: Int, scratch: inout [UInt8]) throws(Failure) {
    let isObject = peek == 0x7B
    let close: UInt8 = isObject ? 0x7D : 0x5D
    at += 1
    skipSpace()
    if take(close) { return }
    while true {
      skipSpace()
      if isObject {
        try string(into: &scratch, wanted: false)
        skipSpace()
        guard take(0x3A) else { throw malformed("expected ':'") }
        skipSpace()
      }
      try value(depth: depth + 1, scratch: &scratch)
      skipSpace()
      if take(0x2C) { continue }
      guard take(close) else { throw malformed("expected ',' or '\(isObject ? "}" : "]")'") }
      return
    }
  }

  /// A string in quotes; with `wanted`, its contents are appended to `out`.
  private mutating func string(into out: inout [UInt8], wanted: Bool) throws(Failure) {
    guard take(0x22) else { throw malformed(at < line.count ? "expected '\"'" : "the line ends early") }
    while true {
      let start = at
      passPlainBytes()
      if wanted, at > start { out.append(contentsOf: UnsafeBufferPointer(rebasing: line[start..<at])) }
      guard at < line.count else { throw malformed("a string is not closed") }
      let stop = line[at]
      if stop < 0x20 { throw malformed("a control character in a string") }
      at += 1
      if stop == 0x22 { return }
      try escape(into: &out, wanted: wanted)
    }
  }

  /// Up to the next quote, backslash or control character, eight bytes at a time.
  private mutating func passPlainBytes() {
    let raw = UnsafeRawBufferPointer(line)
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    while at &+ 8 <= raw.count {
      let bytes = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: at, as: UInt64.self))
      // A byte that is zero borrows from its high bit; so does one below 0x20 when that is subtracted. A borrow may go on to
      // the bytes above, but the lowest mark is right.
      let quotes = bytes ^ (0x22 &* ones)
      let backslashes = bytes ^ (0x5C &* ones)
      let marks =
        ((quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes | (bytes &- 0x20 &* ones) & ~bytes) & highs
      if marks != 0 {
        at &+= marks.trailingZeroBitCount &>> 3
        return
      }
      at &+= 8
    }
    while at < raw.count, raw[at] != 0x22, raw[at] != 0x5C, raw[at] >= 0x20 { at &+= 1 }
  }

  private mutating func escape(into out: inout [UInt8], wanted: Bool) throws(Failure) {
    guard at < line.count else { throw malformed("a string is not closed") }
    let letter = line[at]
    at += 1
    let byte: UInt8
    switch letter {
    case 0x22, 0x5C, 0x2F: byte = letter
    case 0x62: byte = 0x08
    case 0x66: byte = 0x0C
    case 0x6E: byte = 0x0A
    case 0x72: byte = 0x0D
    case 0x74: byte = 0x09
    case 0x75:
      let scalar = try unicodeEscape()
      if wanted { UTF8.encode(scalar).map { out.append(contentsOf: $0) } }
      return
    default: throw malformed("an unknown escape in a string")
    }
    if wanted { out.append(byte) }
  }

  /// The scalar of `\uXXXX`, or of a pair of them. A lone surrogate stands for no text and is refused, as Arrow's reader does.
  private mutating func unicodeEscape() throws(Failure) -> Unicode.Scalar {
    let first = try hexadecimal()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, at + 1 < line.count, line[at] == 0x5C, line[at + 1] == 0x75 else {
      throw malformed("half a surrogate pair")
    }
    at += 2
    let second = try hexadecimal()
    guard (0xDC00...0xDFFF).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw malformed("half a surrogate pair") }
    return scalar
  }

  private mutating func hexadecimal() throws(Failure) -> UInt32 {
    guard at + 4 <= line.count else { throw malformed("the line ends early") }
    var value: UInt32 = 0
    for _ in 0..<4 {
      let digit: UInt8
      switch line[at] {
      case 0x30...0x39: digit = line[at] - 0x30
      case 0x41...0x46: digit = line[at] - 0x37
      case 0x61...0x66: digit = line[at] - 0x57
      default: throw malformed("\\u without four hexadecimal digits")
      }
      value = value << 4 | UInt32(digit)
      at += 1
    }
    return value
  }

  private mutating func number() throws(Failure) {
    _ = take(0x2D)
    if !take(0x30) { try digits() }
    if take(0x2E) { try digits() }
    if peek == 0x65 || peek == 0x45 {
      at += 1
      if !take(0x2B) { _ = take(0x2D) }
      try digits()
    }
  }

  private mutating func digits() throws(Failure) {
    let start = at
    while let byte = peek, byte >= 0x30, byte <= 0x39 { at += 1 }
    guard at > start else { throw malformed("expected a digit") }
  }

  private mutating func literal(_ word: StaticString) throws(Failure) {
    for k in 0..<word.utf8CodeUnitCount {
      guard take(word.utf8Start[k]) else { throw malformed("expected \(word)") }
    }
  }

  private var peek: UInt8? { at < line.count ? line[at] : nil }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard at < line.count, line[at] == byte else { return false }
    at += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
  }

  private func malformed(_ reason: String) -> Failure { .malformed("\(reason) at column \(at + 1)") }

  private var kind: String {
    switch peek {
    case 0x7B: "an object"
    case 0x5B: "an array"
    case 0x6E: "null"
    case 0x74, 0x66: "a boolean"
    default: "a number"
    }
  }
}
