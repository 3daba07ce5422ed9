import Testing

@testable import Files

struct JSONTests {
  private func parse(_ bytes: [UInt8], duplicateKeys: JSON.DuplicateKeys = .lastWins) throws(JSONError) -> JSON {
    let result: Result<JSON, JSONError> = bytes.withUnsafeBytes { bytes in
      do throws(JSONError) { return .success(try JSON(parsing: bytes, duplicateKeys: duplicateKeys)) } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  @Test func values() throws {
    #expect(try JSON(parsing: "null") == .null)
    #expect(try JSON(parsing: " true\r\n") == .bool(true))
    #expect(try JSON(parsing: "false") == .bool(false))
    #expect(try JSON(parsing: "\t\"\"") == .string(""))
    #expect(try JSON(parsing: "[]") == .array([]))
    #expect(try JSON(parsing: "{ }") == .object([:]))
    let nested = try JSON(parsing: #"{"a": [1, {"b": -2.5e1}], "c": {"d": "e"}}"#)
    #expect(nested["a"]?.array?[0].integer == 1)
    #expect(nested["a"]?.array?[1]["b"]?.double == -25)
    #expect(nested["c"]?["d"]?.string == "e")
    #expect(nested["c"]?["x"] == nil)
    #expect(nested["a"]?["x"] == nil)
  }

  @Test func numbersKeepTheirKind() throws {
    let numbers: [(text: String, value: JSON)] = [
      ("0", JSON.integer(0)), ("-0", .integer(0)), ("7", .integer(7)), ("-12", .integer(-12)),
      ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
      ("9223372036854775808", .number(9_223_372_036_854_775_808)),
      ("-9223372036854775809", .number(-9_223_372_036_854_775_808)),
      ("18446744073709551615", .number(18_446_744_073_709_551_616)), ("1.0", .number(1)), ("1e2", .number(100)),
      ("-0.0", .number(-0.0)), ("1E+2", .number(100)), ("0.1", .number(0.1)),
      ("5e-324", .number(.leastNonzeroMagnitude)),
      ("1e999", .number(.infinity)), ("-1e999", .number(-.infinity)), ("1e-999", .number(0)),
      ("Infinity", .number(.infinity)), ("-Infinity", .number(-.infinity)),
      (String(repeating: "9", count: 5000), .number(.infinity)),
    ]
    for (text, value) in numbers { #expect(try JSON(parsing: text) == value, "\(text.prefix(30))") }
    #expect(try JSON(parsing: "NaN").double?.isNaN == true)
    #expect(try JSON(parsing: "1.0").integer == nil)
    #expect(try JSON(parsing: "3").double == 3)
  }

  @Test func strings() throws {
    #expect(try JSON(parsing: #""\"\\\/\b\f\n\r\t""#) == .string("\"\\/\u{8}\u{C}\n\r\t"))
    #expect(try JSON(parsing: #""\u00e9 é \ud83d\ude00 😀 \u0000""#) == .string("é é 😀 😀 \0"))
    #expect(try JSON(parsing: "\"\u{7F}\u{2028}\"") == .string("\u{7F}\u{2028}"))
  }

  /// "é" in one scalar and in two are one string for Swift, and two tokens of a vocabulary.
  @Test func stringsAreTheirBytes() throws {
    let json = try JSON(parsing: #"{"\u00e9": 1, "e\u0301": 2}"#)
    #expect(json.object?.count == 2)
    #expect(json["\u{E9}"]?.integer == 1)
    #expect(json["e\u{301}"]?.integer == 2)
    #expect(JSON.string("\u{E9}") != .string("e\u{301}"))
    var many = JSONObject()
    for index in 0..<100 { many["\(index)"] = .integer(0) }
    many["\u{E9}"] = .integer(1)
    many["e\u{301}"] = .integer(2)
    #expect(many.count == 102)
    #expect(many["\u{E9}"] == .integer(1))
  }

  private static let malformedTexts: [(text: String, message: String)] = [
    ("", "expected a value, found the end at column 1"), ("  ", "expected a value, found the end at column 3"),
    ("{\"a\": 1,\n \"b\" 2}", "expected ':' at line 2, column 6"),
    ("[1, 2", "expected ',' or ']', found the end at column 6"),
    ("{\"a\": 1,}", "expected a key in '\"' at column 9"), ("[1,]", "expected a value at column 4"),
    ("{a: 1}", "expected a key in '\"' at column 2"), ("1 2", "expected nothing more at column 3"),
    ("tru", "expected a value at column 1"), ("nul1", "expected a value at column 1"),
    ("-", "expected a digit, found the end at column 2"),
    ("01", "expected nothing more at column 2"), ("1.", "expected a digit, found the end at column 3"),
    (".5", "expected a value at column 1"), ("+1", "expected a value at column 1"),
    ("1e", "expected a digit, found the end at column 3"),
    ("\"abc", "a string that does not end at column 1"), ("\"a\nb\"", "a control character in a string at column 3"),
    (#""\x""#, "an unknown escape in a string at column 3"),
    (#""\u12g4""#, "expected four hexadecimal digits at column 6"),
    (#""\ud800""#, "half a surrogate pair at column 8"), (#""\udc00\ud800""#, "half a surrogate pair at column 8"),
    (#""\ud800\u0041""#, "half a surrogate pair at column 14"),
    ("\u{FEFF}1", "a byte order mark, expected a value at column 1"),
    ("// c\n1", "expected a value at column 1"), ("'a'", "expected a value at column 1"),
    ("-Infinit", "expected a value at column 1"),
    ("[1 2]", "expected ',' or ']' at column 4"),
  ]

  @Test(arguments: Self.malformedTexts)
  func malformed(_ text: String, _ expected: String) {
    #expect(message { try JSON(parsing: text) } == expected)
  }

  @Test func invalidUTF8IsRefused() {
    #expect(throws: JSONError.self) { try parse([0x22, 0xFF, 0x22]) }
    #expect(throws: JSONError.self) { try parse([0x22, 0x5C, 0x6E, 0xC3, 0x22]) }
    #expect(throws: JSONError.self) { try parse([0x22, 0xED, 0xA0, 0x80, 0x22]) }
    #expect(throws: JSONError.self) { try parse([0xFF]) }
  }

  @Test func nestingIsLimited() throws {
    func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
    #expect(throws: Never.self) { try JSON(parsing: nested(JSON.depthLimit)) }
    #expect(throws: JSONError.self) { try JSON(parsing: nested(JSON.depthLimit + 1)) }
    #expect(throws: JSONError.self) { try JSON(parsing: String(repeating: "[", count: 1_000_000)) }
    #expect(throws: JSONError.self) { try JSON(parsing: String(repeating: "{\"a\":", count: 1_000_000)) }
  }

  @Test func theLastOfARepeatedKeyCounts() throws {
    let text = #"{"a": 1, "b": 2, "a": 3}"#
    #expect(try JSON(parsing: text).serialized() == #"{"a": 3, "b": 2}"#)
    #expect(throws: JSONError.self) { try parse(Array(text.utf8), duplicateKeys: .refused) }
    #expect(
      message { try parse(Array(text.utf8), duplicateKeys: .refused) } == "the key \"a\" a second time at column 18")
  }

  /// Whatever is done to a text, reading it ends in a value or an error.
  @Test func damagedTextsNeverCrash() throws {
    let text = Array(#"{"a": [1, -2.5e-3, "x\u00e9\ud83d\ude00é", true, null], "b": {"c": {}, "d": NaN}}"#.utf8)
    for count in 0..<text.count { #expect(throws: JSONError.self) { try parse(Array(text[..<count])) } }
    var generator = SystemRandomNumberGenerator()
    var refused = 0
    for _ in 0..<10_000 {
      var damaged = text
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let at = Int.random(in: 0..<damaged.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: damaged[at] = UInt8.random(in: 0...255, using: &generator)
        case 1: damaged.remove(at: at)
        default: damaged.insert(text[Int.random(in: 0..<text.count, using: &generator)], at: at)
        }
      }
      do { _ = try parse(damaged) } catch { refused += 1 }
    }
    #expect(refused > 1000)
  }
}
