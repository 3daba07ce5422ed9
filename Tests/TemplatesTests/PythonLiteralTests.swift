import Testing

@testable import Templates

/// Every expectation was computed with CPython 3.11's `ast.literal_eval`.
struct PythonLiteralTests {
  /// The literal, and the `repr` of its value.
  @Test(arguments: [
    ("'a'", "'a'"), ("\"it's\"", "\"it's\""), ("'''a\n'b''' ", "\"a\\n'b\""), ("'a' \"b\"'c'", "'abc'"),
    ("('a'\n 'b')", "'ab'"), (#"'\n\t\\\'\x41\101\u00e9\U0001F600'"#, #""\n\t\\'AAé😀""#), (#"r'\n\''"#, #""\\n\\'""#),
    (#"'\q\é'"#, #"'\\q\\é'"#), ("'a\\\nb'", "'ab'"), ("u'x'", "'x'"), ("''", "''"),
    ("'''a\r\nb'''", #"'a\nb'"#), ("1", "1"), ("-1", "-1"), ("+1", "1"), ("- 1", "-1"), ("1_000", "1000"),
    ("0x_1F", "31"),
    ("0b11", "3"), ("0o17", "15"), ("00", "0"), ("1.5", "1.5"), (".5", "0.5"), ("5.", "5.0"), ("1e3", "1000.0"),
    ("1_0.5e-1_0", "1.05e-09"), ("1e400", "inf"), ("-0.0", "-0.0"), ("-9223372036854775808", "-9223372036854775808"),
    ("-0x8000000000000000", "-9223372036854775808"), ("(1)", "1"), ("-(1.5)", "-1.5"), ("()", "()"), ("(1,)", "(1,)"),
    ("1, 2", "(1, 2)"), ("1,\n", "(1,)"), ("[]", "[]"), ("[1, [2.0, 'a',],]", "[1, [2.0, 'a']]"),
    ("[1, # one\n 2\n]", "[1, 2]"), ("[1, \\\n2]", "[1, 2]"), ("{}", "{}"), ("{'a': 1, 2: None,}", "{'a': 1, 2: None}"),
    ("{1: 'a', 1.0: 'b', True: 'c'}", "{1: 'c'}"), ("{(1, 2): []}", "{(1, 2): []}"), ("True", "True"), ("None", "None"),
    ("  [False]", "[False]"), ("\n\n# c\n1\n\n", "1"), ("1 # c", "1"),
  ])
  func literals(text: String, expected: String) throws {
    #expect(PythonString.equal(try PythonLiteral.parse(text).representation, expected))
  }

  @Test(arguments: [
    "", "  ", "\n 1", "1 2", "1\n2", "[", "]", "[1", "[1,,2]", "[,]", "(,)", "{1:}", "{:1}", "{1:2 3:4}", "--1",
    "-(-1)",
    "-True", "~1", "1 + 2", "'a", "'a\nb'", "'''a", "'\\x4'", "'\\u12'", "'\\U00110000'", "f'a'", "ur'a'", "x'a'", "a",
    "true",
    "nan", "012", "0_", "1__0", "1_", "0x", "0b2", "1e", "1abc", "1..5", "[*a]", "a()", "not 1", "1 if 1 else 2", "1;",
    "\u{A0}1",
    "1\0", "...", "[1]]",
  ])
  func noLiterals(text: String) {
    let error = #expect(throws: TemplateError.self) { try PythonLiteral.parse(text) }
    #expect(error?.kind == .syntax)
    #expect(error?.description.contains("not a Python literal: ") == true)
  }

  /// Literals of Python's that have no value here.
  @Test(arguments: [
    ("b'a'", TemplateError.Kind.unsupported), ("Rb'a'", .unsupported), ("{1, 2}", .unsupported), ("2j", .unsupported),
    ("'\\N{DASH}'", .unsupported), ("'\\ud800'", .unsupported), ("9223372036854775808", .limit),
    ("-9223372036854775809", .limit), ("0xFFFFFFFFFFFFFFFFF", .limit), ("{[1]: 2}", .type), ("{([],): 2}", .type),
  ])
  func refused(text: String, kind: TemplateError.Kind) {
    let error = #expect(throws: TemplateError.self) { try PythonLiteral.parse(text) }
    #expect(error?.kind == kind)
  }

  @Test func theErrorNamesTheLine() {
    let error = #expect(throws: TemplateError.self) { try PythonLiteral.parse("[1,\n'a',\n oops]") }
    #expect(error?.description == "line 3: not a Python literal: expected a value, found the name oops")
  }

  @Test func nestingIsBounded() throws {
    let depth = PythonLiteral.depthLimit
    let deep = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    #expect(try PythonLiteral.parse(deep).representation == deep)
    for text in ["[" + deep + "]", String(repeating: "(", count: 100_000), String(repeating: "{1:", count: 100_000)] {
      let error = #expect(throws: TemplateError.self) { try PythonLiteral.parse(text) }
      #expect(error?.kind == .limit)
    }
  }
}
