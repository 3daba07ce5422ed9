import Files
import Testing

@testable import Templates

/// Every expectation was computed with CPython 3.11.
struct PythonValueTests {
  @Test(arguments: [
    ("it's", #""it's""#), (#"both ' and ""#, #"'both \' and "'"#), (#"""#, #"'"'"#), ("\\", #"'\\'"#),
    ("a\nb\r\t", #"'a\nb\r\t'"#),
    ("\0\u{1B}\u{7F}", #"'\x00\x1b\x7f'"#), ("\u{85}\u{A0}\u{AD}", #"'\x85\xa0\xad'"#), ("é日😀", "'é日😀'"),
    ("\u{200B}\u{2028}\u{FEFF}\u{E000}", #"'\u200b\u2028\ufeff\ue000'"#),
    ("\u{E0001}\u{10FFFF}", #"'\U000e0001\U0010ffff'"#),
    ("e\u{301}", "'e\u{301}'"), ("", "''"),
  ])
  func stringsInQuotes(text: String, expected: String) {
    #expect(PythonString.equal(PythonValue.string(text).representation, expected))
    #expect(PythonString.equal(PythonValue.string(text).text, text))
  }

  @Test(arguments: [
    (0.0, "0.0"), (-0.0, "-0.0"), (1.0, "1.0"), (0.1, "0.1"), (1e15, "1000000000000000.0"), (1e16, "1e+16"),
    (123456789012345680.0, "1.2345678901234568e+17"), (0.0001, "0.0001"), (0.00001, "1e-05"),
    (.leastNonzeroMagnitude, "5e-324"),
    (1.7976931348623157e308, "1.7976931348623157e+308"), (.infinity, "inf"), (-.infinity, "-inf"), (.nan, "nan"),
  ])
  func floats(value: Double, expected: String) { #expect(PythonValue.float(value).text == expected) }

  @Test func containers() {
    let inner = PythonValue.dictionary(["k": .none, .integer(1): .tuple([.bool(true)]), .none: .list([])])
    #expect(PythonValue.list([inner, .tuple([]), .string("a")]).text == "[{'k': None, 1: (True,), None: []}, (), 'a']")
  }

  @Test func equalityIsPythons() {
    #expect(PythonValue.integer(1) == .float(1) && PythonValue.integer(1) == .bool(true))
    #expect(PythonValue.float(0) == .bool(false))
    #expect(PythonValue.integer(1) != "1" && PythonValue.list([]) != .tuple([]) && PythonValue.none != .bool(false))
    #expect(PythonValue.integer(9_007_199_254_740_993) != .float(9_007_199_254_740_992))
    #expect(PythonValue.float(.nan) != .float(.nan))
    #expect(PythonValue.string("é") != .string("e\u{301}"))
    #expect(PythonValue.dictionary(["a": .integer(1), "b": .none]) == .dictionary(["b": .none, "a": .bool(true)]))
    let keys: Set<PythonValue> = [.integer(1), .float(1), .bool(true), .string("é"), .string("e\u{301}"), .float(0.5)]
    #expect(keys.count == 4)
  }

  @Test func truth() {
    let no: [PythonValue] = [
      .none, .bool(false), .integer(0), .float(-0.0), .string(""), .list([]), .tuple([]), .dictionary([:]),
    ]
    let yes: [PythonValue] = [
      .bool(true), .integer(-1), .float(.nan), .string("0"), .list([.none]), .dictionary(["": .none]),
    ]
    #expect(no.allSatisfy { !$0.isTrue } && yes.allSatisfy { $0.isTrue })
  }

  @Test func dictionariesKeepTheirOrder() {
    var dictionary: PythonDictionary = ["b": .integer(1), "a": .integer(2)]
    dictionary["b"] = .integer(3)
    for number in 0..<20 { dictionary[.integer(number)] = .integer(number) }
    dictionary["a"] = nil
    dictionary[.float(1)] = .string("one")
    #expect(PythonValue.dictionary(dictionary).text.hasPrefix("{'b': 3, 0: 0, 1: 'one', 2: 2, "))
    #expect(dictionary.count == 21)
    #expect(dictionary[.bool(true)] == .string("one"))
  }

  @Test func json() throws {
    let json = try JSON(parsing: #"{"z": [1, 1.0, 1e400, true, null, "é"], "a": {"b": {}}, "n": 12345678901234567890}"#)
    let value = PythonValue(json)
    #expect(value.text == "{'z': [1, 1.0, inf, True, None, 'é'], 'a': {'b': {}}, 'n': 1.2345678901234567e+19}")
    #expect(try value.json == json)
    let keys = PythonValue.dictionary([
      .integer(1): .tuple([.none]), .bool(false): .none, .float(0.5): .none, .none: .none,
    ])
    #expect(try keys.json.serialized() == #"{"1": [null], "false": null, "0.5": null, "null": null}"#)
    #expect(throws: TemplateError.self) { try PythonValue.dictionary([.tuple([]): .none]).json }
  }
}
