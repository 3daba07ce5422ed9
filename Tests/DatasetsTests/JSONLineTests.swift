import Files
import Foundation
import Tensors
import Testing

@testable import Datasets

struct JSONLineTests {
  private func text(_ line: [UInt8], key: String = "text") throws(JSONLine.Failure) -> String {
    var out: [UInt8] = Array("before ".utf8)
    let result = line.withUnsafeBufferPointer { line -> Result<Void, JSONLine.Failure> in
      do throws(JSONLine.Failure) {
        return .success(try JSONLine.appendText(key: Array(key.utf8), of: line, to: &out))
      } catch {
        return .failure(error)
      }
    }
    try result.get()
    return String(decoding: out.dropFirst(7), as: UTF8.self)
  }

  private func text(_ line: String, key: String = "text") throws(JSONLine.Failure) -> String {
    try text(Array(line.utf8), key: key)
  }

  @Test func findsTheText() throws {
    #expect(try text(#"{"text":"a"}"#) == "a")
    #expect(
      try text("  {\t\"x\": [1, {\"text\": \"no\"}, -1.5e+3, true, null], \"text\" : \"yes\" , \"z\": {} }\r") == "yes")
    #expect(try text(#"{"content": "c", "text": 1}"#, key: "content") == "c")
    #expect(try text(#"{"te\u0078t": "escaped key"}"#) == "escaped key")
    #expect(try text(#"{"text": "first", "text": "second"}"#) == "second")
    #expect(try text(#"{"text": 1, "text": "second"}"#) == "second")
    #expect(try text(#"{"a": NaN, "b": -Infinity, "text": ""}"#) == "")
  }

  @Test func escapes() throws {
    #expect(try text(#"{"text": "\"\\\/\b\f\n\r\t"}"#) == "\"\\/\u{8}\u{c}\n\r\t")
    #expect(try text(#"{"text": "\u0413\u00e9\ud83d\ude00\u0000é😀"}"#) == "Гé😀\u{0}é😀")
  }

  /// Against Foundation on strings of every kind of character, escaped and not.
  @Test func agreesWithFoundation() throws {
    var random = SplitMix64(seed: 5)
    for _ in 0..<300 {
      var scalars = String.UnicodeScalarView()
      for _ in 0..<random.next(below: 40) {
        let limit = [0x80, 0x800, 0x10000, 0x110000][random.next(below: 4)]
        if let scalar = Unicode.Scalar(UInt32(random.next(below: limit))) { scalars.append(scalar) }
      }
      let string = String(scalars)
      let data = try JSONSerialization.data(withJSONObject: ["meta": [string, 1], "text": string])
      #expect(try Array(text([UInt8](data)).utf8) == Array(string.utf8))
      let escaped = string.utf16.map { String(format: "\\u%04x", $0) }.joined()
      #expect(try Array(text("{\"text\": \"\(escaped)\"}").utf8) == Array(string.utf8))
    }
  }

  @Test(arguments: [
    "", "x", "[]", "\"text\"", "{", "{\"text\"", "{\"text\":", "{\"text\":\"a\"", "{\"text\":\"a", "{\"text\":\"a\"}}",
    "{\"text\":\"a\"} x", "{\"text\":\"a\",}", "{,}", "{\"text\" \"a\"}", "{\"text\":\"\\x\"}", "{\"text\":\"\\u12\"}",
    "{\"text\":\"\\ud800\"}", "{\"text\":\"\\ud800\\u0041\"}", "{\"text\":\"\\udc00\"}", "{\"text\":\"a\u{1}\"}",
    "{\"a\":01,\"text\":\"\"}", "{\"a\":1.,\"text\":\"\"}", "{\"a\":tru,\"text\":\"\"}", "{\"a\":[1,],\"text\":\"\"}",
    "{\"a\":{\"b\"},\"text\":\"\"}", "{'text':'a'}", "{\"text\":a}", "{\"text\":1", "{\"a\":-,\"text\":\"\"}",
    "{\"a\":1e,\"text\":\"\"}", "{\"text\":\"\\",
  ])
  func malformed(line: String) {
    #expect { try text(line) } throws: {
      if case JSONLine.Failure.malformed = $0 { return true }
      return false
    }
  }

  @Test func otherFailures() {
    #expect(throws: JSONLine.Failure.missing(found: ["a", "b"])) { try text(#"{"a": 1, "b": {"text": "x"}}"#) }
    for (value, kind) in [
      ("1", "a number"), ("null", "null"), ("[]", "an array"), ("{}", "an object"), ("true", "a boolean"),
    ] {
      #expect(throws: JSONLine.Failure.notAString(kind)) { try text("{\"text\": \(value)}") }
    }
    #expect(throws: JSONLine.Failure.invalidUTF8) { try text([0x7B, 0x22, 0xFF, 0x22, 0x7D]) }
  }

  @Test func nestingIsLimited() throws {
    func nested(_ depth: Int) -> String {
      "{\"a\": " + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + ", \"text\": \"x\"}"
    }
    #expect(try text(nested(100)) == "x")
    #expect(throws: JSONLine.Failure.self) { try text(nested(200)) }
    #expect(throws: JSONLine.Failure.self) { try text("{\"a\": " + String(repeating: "[", count: 1_000_000)) }
  }
}

struct UTF8ValidationTests {
  private func invalid(_ bytes: [UInt8]) -> Int? { bytes.withUnsafeBufferPointer { firstInvalidUTF8($0) } }

  @Test func wellFormed() {
    for text in ["", "a", "abcdefghi", "é", "€uro", "😀", "\u{7FF}\u{800}\u{D7FF}\u{E000}\u{FFFF}\u{10000}\u{10FFFF}"] {
      #expect(invalid(Array(text.utf8)) == nil, "\(text)")
    }
  }

  @Test func illFormed() {
    let cases: [([UInt8], Int)] = [
      ([0x80], 0), ([0x61, 0xFF], 1), ([0xC0, 0x80], 0), ([0xC1, 0xBF], 0), ([0xE0, 0x9F, 0xBF], 0),
      ([0xED, 0xA0, 0x80], 0), ([0xF0, 0x8F, 0xBF, 0xBF], 0), ([0xF4, 0x90, 0x80, 0x80], 0),
      ([0xF5, 0x80, 0x80, 0x80], 0),
      ([0xE2, 0x82], 0), ([0x61, 0xF0, 0x9F, 0x98], 1), ([0xC3, 0x61], 0), (Array("123456789".utf8) + [0xC3], 9),
    ]
    for (bytes, position) in cases { #expect(invalid(bytes) == position, "\(bytes)") }
  }

  /// Against the standard library, on random bytes near the edges of the encoding.
  @Test func agreesWithTheStandardLibrary() {
    let bytes: [UInt8] = [
      0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1, 0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5,
    ]
    var random = SplitMix64(seed: 9)
    for _ in 0..<20_000 {
      let sample = (0..<random.next(below: 12)).map { _ in bytes[random.next(below: bytes.count)] }
      #expect((invalid(sample) == nil) == (String(validating: sample, as: UTF8.self) != nil), "\(sample)")
    }
  }
}
