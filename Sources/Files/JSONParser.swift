/// Reads JSON from bytes. Never deeper than `JSON.depthLimit`, and in time and memory proportional to the text.
struct JSONParser {
  private let text: UnsafeBufferPointer<UInt8>
  private let duplicateKeys: JSON.DuplicateKeys
  private var at = 0

  init(_ text: UnsafeBufferPointer<UInt8>, duplicateKeys: JSON.DuplicateKeys) {
    self.text = text
    self.duplicateKeys = duplicateKeys
  }

  mutating func parse() throws(JSONError) -> JSON {
    guard !text.starts(with: [0xEF, 0xBB, 0xBF]) else { throw error("a byte order mark, expected a value") }
    skipSpace()
    let value = try value(depth: 0)
    skipSpace()
    guard at == text.count else { throw error("expected nothing more") }
    return value
  }

  private mutating func value(depth: Int) throws(JSONError) -> JSON {
    switch peek {
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "{"): return .object(try object(depth: depth))
    case UInt8(ascii: "["): return .array(try array(depth: depth))
    case let byte? where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte): return try number()
    case UInt8(ascii: "-"):
      guard at + 1 < text.count, text[at + 1] == UInt8(ascii: "I") else { return try number() }
      return try literal("-Infinity", .number(-.infinity))
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case UInt8(ascii: "N"): return try literal("NaN", .number(.nan))
    case UInt8(ascii: "I"): return try literal("Infinity", .number(.infinity))
    default: throw error("expected a value")
    }
  }

  private mutating func array(depth: Int) throws(JSONError) -> [JSON] {
    try enter(depth)
    var values: [JSON] = []
    if take(UInt8(ascii: "]")) { return values }
    while true {
      values.append(try value(depth: depth + 1))
      skipSpace()
      if take(UInt8(ascii: "]")) { return values }
      guard take(UInt8(ascii: ",")) else { throw error("expected ',' or ']'") }
      skipSpace()
    }
  }

  private mutating func object(depth: Int) throws(JSONError) -> JSONObject {
    try enter(depth)
    var object = JSONObject()
    if take(UInt8(ascii: "}")) { return object }
    while true {
      let start = at
      guard peek == UInt8(ascii: "\"") else { throw error("expected a key in '\"'") }
      let key = try string()
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw error("expected ':'") }
      skipSpace()
      let value = try value(depth: depth + 1)
      if !object.insert(key, value) {
        if duplicateKeys == .refused {
          at = start
          throw error("the key \"\(key.prefix(80))\" a second time")
        }
        object[key] = value
      }
      skipSpace()
      if take(UInt8(ascii: "}")) { return object }
      guard take(UInt8(ascii: ",")) else { throw error("expected ',' or '}'") }
      skipSpace()
    }
  }

  /// Passes the opening bracket.
  private mutating func enter(_ depth: Int) throws(JSONError) {
    guard depth < JSON.depthLimit else { throw error("nested deeper than \(JSON.depthLimit)") }
    at += 1
    skipSpace()
  }

  private mutating func literal(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
    let start = at
    for k in 0..<word.utf8CodeUnitCount {
      guard take(word.utf8Start[k]) else {
        at = start
        throw error("expected a value")
      }
    }
    return value
  }

  // MARK: - Numbers

  private mutating func number() throws(JSONError) -> JSON {
    let start = at
    let isNegative = take(UInt8(ascii: "-"))
    var magnitude: UInt64 = 0
    var fits = true
    if !take(UInt8(ascii: "0")) {
      let first = at
      while let digit = digit() {
        let (high, tooHigh) = magnitude.multipliedReportingOverflow(by: 10)
        let (sum, tooMuch) = high.addingReportingOverflow(UInt64(digit))
        if tooHigh || tooMuch { fits = false } else { magnitude = sum }
      }
      guard at > first else { throw error("expected a digit") }
    }
    var isWhole = true
    if take(UInt8(ascii: ".")) {
      isWhole = false
      try digits()
    }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      isWhole = false
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      try digits()
    }
    if isWhole, fits {
      if !isNegative, let value = Int64(exactly: magnitude) { return .integer(value) }
      if isNegative, magnitude <= Int64.min.magnitude { return .integer(Int64(truncatingIfNeeded: 0 &- magnitude)) }
    }
    let characters = String(decoding: UnsafeBufferPointer(rebasing: text[start..<at]), as: UTF8.self)
    guard let value = Double(characters) else { throw error("a number that cannot be read") }
    return .number(value)
  }

  private mutating func digits() throws(JSONError) {
    guard digit() != nil else { throw error("expected a digit") }
    while digit() != nil {}
  }

  private mutating func digit() -> UInt8? {
    guard let byte = peek, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
    at += 1
    return byte - UInt8(ascii: "0")
  }

  // MARK: - Strings

  private mutating func string() throws(JSONError) -> String {
    let start = at
    at += 1
    let plain = plainRun()
    if take(UInt8(ascii: "\"")) { return try decoded(plain, start: start) }
    var contents = Array(plain)
    while true {
      guard let stop = peek else {
        at = start
        throw error("a string that does not end")
      }
      guard stop >= 0x20 else { throw error("a control character in a string") }
      at += 1
      if stop == UInt8(ascii: "\"") { break }
      try escape(into: &contents)
      contents.append(contentsOf: plainRun())
    }
    return try decoded(contents, start: start)
  }

  /// The bytes up to a quotation mark, a backslash, a control character, or the end.
  private mutating func plainRun() -> UnsafeBufferPointer<UInt8> {
    let start = at
    while at < text.count, text[at] >= 0x20, text[at] != UInt8(ascii: "\""), text[at] != UInt8(ascii: "\\") { at &+= 1 }
    return UnsafeBufferPointer(rebasing: text[start..<at])
  }

  private mutating func decoded(_ bytes: some Collection<UInt8>, start: Int) throws(JSONError) -> String {
    guard let string = String(validating: bytes, as: UTF8.self) else {
      at = start
      throw error("a string that is not UTF-8")
    }
    return string
  }

  /// Appends what an escape stands for; the backslash has been passed.
  private mutating func escape(into contents: inout [UInt8]) throws(JSONError) {
    guard let letter = peek else { throw error("a string that does not end") }
    at += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): contents.append(letter)
    case UInt8(ascii: "b"): contents.append(0x08)
    case UInt8(ascii: "f"): contents.append(0x0C)
    case UInt8(ascii: "n"): contents.append(0x0A)
    case UInt8(ascii: "r"): contents.append(0x0D)
    case UInt8(ascii: "t"): contents.append(0x09)
    case UInt8(ascii: "u"): contents.append(contentsOf: Array(String(try unicodeEscape()).utf8))
    default:
      at -= 1
      throw error("an unknown escape in a string")
    }
  }

  /// The scalar of `\uXXXX`, or of a pair of them.
  private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
    let first = try hexadecimal()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
      throw error("half a surrogate pair")
    }
    let second = try hexadecimal()
    guard (0xDC00...0xDFFF).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw error("half a surrogate pair") }
    return scalar
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      let digit: UInt8
      switch peek {
      case let byte? where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte): digit = byte - UInt8(ascii: "0")
      case let byte? where (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte): digit = byte - UInt8(ascii: "A") + 10
      case let byte? where (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte): digit = byte - UInt8(ascii: "a") + 10
      default: throw error("expected four hexadecimal digits")
      }
      value = value << 4 | UInt32(digit)
      at += 1
    }
    return value
  }

  // MARK: - Bytes

  private var peek: UInt8? { at < text.count ? text[at] : nil }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard at < text.count, text[at] == byte else { return false }
    at += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
  }

  private func error(_ reason: String) -> JSONError {
    JSONError(at < text.count ? reason : "\(reason), found the end", at: at, of: text)
  }
}
