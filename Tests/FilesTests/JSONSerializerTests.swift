import Testing

@testable import Files

/// The expected texts were written by Python 3.11.
struct JSONSerializerTests {
  private let value: JSON = .object([
    "text": .string("a\"b\\c/d\n\r\t\u{8}\u{C}\u{1}\u{1F}\u{7F}é😀\u{2028}"), "empty": .array([]), "none": .object([:]),
    "list": .array([.integer(1), .number(2), .null, .bool(true), .array([.bool(false)])]),
    "A": .object(["z": .integer(-1), "é": .integer(2), "B": .number(.nan)]),
  ])

  @Test func oneLine() {
    #expect(
      value.serialized()
        == "{\"text\": \"a\\\"b\\\\c/d\\n\\r\\t\\b\\f\\u0001\\u001f\u{7F}é😀\u{2028}\", \"empty\": [], \"none\": {}, "
        + "\"list\": [1, 2.0, null, true, [false]], \"A\": {\"z\": -1, \"é\": 2, \"B\": NaN}}")
  }

  @Test func indented() {
    let value: JSON = .object(["b": .array([.integer(1), .array([])]), "a": .object(["c": .object([:])])])
    #expect(value.serialized(indent: 2) == "{\n  \"b\": [\n    1,\n    []\n  ],\n  \"a\": {\n    \"c\": {}\n  }\n}")
    #expect(
      value.serialized(indent: 1, sortKeys: true) == "{\n \"a\": {\n  \"c\": {}\n },\n \"b\": [\n  1,\n  []\n ]\n}")
    #expect(value.serialized(indent: 0) == "{\n\"b\": [\n1,\n[]\n],\n\"a\": {\n\"c\": {}\n}\n}")
  }

  @Test func sortedKeysAreInOrderOfTheirCharacters() {
    let object: JSONObject = ["é": .null, "z": .null, "😀": .null, "Z": .null, "\u{FFFD}": .null, "": .null]
    #expect(
      JSON.object(object).serialized(sortKeys: true)
        == #"{"": null, "Z": null, "z": null, "é": null, "\#u{FFFD}": null, "😀": null}"#)
  }

  private static let numbers: [(value: Double, text: String)] = [
    (0.0, "0.0"), (-0.0, "-0.0"), (1, "1.0"), (-1.5, "-1.5"), (0.1, "0.1"), (100, "100.0"), (123456.789, "123456.789"),
    (1e15, "1000000000000000.0"), (9_007_199_254_740_992, "9007199254740992.0"), (1e16, "1e+16"),
    (12_345_678_901_234_568, "1.2345678901234568e+16"), (1.8e16, "1.8e+16"), (1e22, "1e+22"), (1.5e300, "1.5e+300"),
    (0.001, "0.001"), (0.0001, "0.0001"), (0.00012345, "0.00012345"), (0.00001, "1e-05"), (1.5e-5, "1.5e-05"),
    (1.2345e-10, "1.2345e-10"), (.leastNonzeroMagnitude, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"),
    (2.2250738585072014e-308, "2.2250738585072014e-308"), (1 / 3, "0.3333333333333333"), (2 / 3, "0.6666666666666666"),
    (1e-100, "1e-100"), (.infinity, "Infinity"), (-.infinity, "-Infinity"), (.nan, "NaN"), (6e-4, "0.0006"),
  ]

  @Test func numbers() {
    for (value, text) in Self.numbers { #expect(JSON.number(value).serialized() == text) }
  }

  @Test func whatIsWrittenReadsBackTheSame() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let number = Double(bitPattern: UInt64.random(in: 0...(.max), using: &generator))
      guard number.isFinite else { continue }
      #expect(try JSON(parsing: JSON.number(number).serialized()) == .number(number))
      let integer = Int64.random(in: .min...(.max), using: &generator)
      #expect(try JSON(parsing: JSON.integer(integer).serialized()) == .integer(integer))
    }
    let text = String(String.UnicodeScalarView((0...0x11_0000).compactMap(Unicode.Scalar.init)))
    #expect(try JSON(parsing: JSON.string(text).serialized()) == .string(text))
    var same = value
    if case .object(var object) = same {
      object["A"] = nil
      same = .object(object)
    }
    #expect(try JSON(parsing: same.serialized(indent: 3)) == same)
  }
}
