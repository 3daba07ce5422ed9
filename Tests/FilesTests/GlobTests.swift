import Files
import Testing

struct GlobTests {
  @Test(arguments: [
    ("*", "", true), ("*", "anything", true), ("a*c", "abbc", true), ("a*c", "abcd", false), ("?", "", false),
    ("?", "x", true), ("a?", "ab", true), ("x", "xy", false), ("", "", true), ("**a**", "xxaxx", true),
    ("*.bias", "x.bias", true), ("*.bias", "x.bias.y", false), ("h.[0-3].x", "h.2.x", true),
    ("h.[0-3].x", "h.4.x", false), ("h.[!0-3].x", "h.4.x", true), ("[!a]b", "ab", false), ("[]]", "]", true),
    ("[", "[", true), ("a[", "a[", true), ("[ab", "[ab", true), ("[a-]", "-", true), ("[z-a]", "b", false),
  ])
  func matches(pattern: String, name: String, matches: Bool) {
    #expect(Glob(pattern).matches(name) == matches)
  }

  @Test func manyStarsTakeNoTime() {
    let pattern = String(repeating: "*a", count: 200) + "b"
    #expect(!Glob(pattern).matches(String(repeating: "a", count: 2000)))
  }
}
