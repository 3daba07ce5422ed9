import Foundation
import Testing

@testable import Training

@Suite struct HostileYAMLTests {
  private func message(_ text: String) -> String {
    trainingError { try RecipeTests.parse(text) }.map(\.description) ?? "no error"
  }

  @Test func aliasBombsAreRefusedBeforeTheyExpand() {
    // Each level nine times the one before: 9^60 nodes, were they made. As keys they would be hashed while composing.
    for open in ["a0: &a0 [x]\n", "? &a0 [x]\n: 1\n"] {
      var text = open
      for level in 1...60 {
        text += "? &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", "))]\n: 1\n"
      }
      #expect(
        message(text)
          == "recipe.yaml:1: anchors (&name) are not supported; put text that begins with & in quotes, "
          + "with a blank after the &"
      )
    }
  }

  @Test(arguments: [
    "a: &x 1", "a:\n  - &x 1", "[&x 1]", "{a: &x 1}", "a: !!str &x 1", "# c\u{2028}a: &x 1", "a: \"#\" \nb: &x 1",
    "['a\n# b', &x 1]", "a: # &no\n  &x 1", "&x a: 1", "? &x a\n: 1", "a: |\n  \"\nb: &x 1",
  ])
  func anchorsAreFoundWhereverTheyHide(text: String) {
    #expect(message(text).contains("anchors (&name) are not supported"), "\(message(text))")
  }

  @Test(arguments: ["a & b", "R&D", "a &", "'R&D'", "x # this &that"])
  func ampersandsThatAreNoAnchorsPass(value: String) throws {
    let text = RecipeTests.minimal + "\n# c &d\noutput:\n  directory: \(value)\n"
    let found = try RecipeTests.parse(text).output.directory
    #expect(found == value.replacing("'", with: "").replacing(" # this &that", with: ""))
  }

  @Test func aliasesSayHowToWriteAPattern() {
    #expect(
      message("optimizer:\n  groups:\n    - pattern: *.bias")
        == "recipe.yaml:3: aliases (*name) are not supported; put a pattern that begins with * in quotes")
    #expect(message("a: *name").contains("put a pattern that begins with * in quotes"))
  }

  @Test func deepNestingIsRefused() {
    #expect(
      message("a: " + String(repeating: "[", count: 30) + String(repeating: "]", count: 30)).contains(
        "nested deeper than 24 levels"))
    #expect(message(String(repeating: "[", count: 100_000)).hasPrefix("recipe.yaml"))
    #expect(message("a: " + String(repeating: "{a: ", count: 60_000)).hasPrefix("recipe.yaml"))
    #expect(message(String(repeating: "- ", count: 100_000)).hasPrefix("recipe.yaml"))
    let blocks = (0..<500).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
    #expect(message(blocks).contains("nested deeper than 24 levels"))
  }

  @Test(arguments: [
    ("", "'data.train' is missing"), ("# nothing\n", "'data.train' is missing"), ("5", "expected sections of keys"),
    ("- a", "expected sections of keys, found a list"), ("a: 1\na: 2", "key 'a' is given twice"),
    ("a: 1\n---\nb: 2", "not YAML: but found another document"), ("{a: 1", "not YAML"), ("a: \"x", "not YAML"),
    ("\t- a: b", "not YAML"),
    ("[1, 2]: 3", "a key must be a single word"), ("a: 1\n b: 2", "not YAML"), ("%YAML 9.9\n---\na: 1", "not YAML"),
    ("a: \u{0}", "not YAML"), ("<<: {a: 1}", "unknown key '<<'"),
    ("training: {steps: 1e999}", "expected a whole number"),
    ("!!python/object:os.system x", "expected sections of keys"),
  ])
  func malformedTextIsOneError(text: String, part: String) {
    #expect(message(text).contains(part), "\(message(text))")
  }

  @Test func sizeAndEncodingAreChecked() throws {
    #expect(message("# " + String(repeating: "x", count: 300_000)).contains("expected 262144 at most"))
    let directory = try TemporaryDirectory()
    try Data([0x61, 0x3A, 0xFF]).write(to: URL(fileURLWithPath: directory.path + "/bad.yaml"))
    #expect(
      trainingError { try TrainingRecipe.load(directory.path + "/bad.yaml") }?.description.hasSuffix("not UTF-8 text")
        == true)
    #expect(throws: (any Error).self) { try TrainingRecipe.load(directory.path + "/absent.yaml") }
    #expect(throws: (any Error).self) { try TrainingRecipe.load(directory.path) }
  }

  /// Whatever bytes a recipe has, reading it ends in a recipe or an error.
  @Test func mutatedRecipesNeverCrash() throws {
    let seed = Array(
      "model: {config: {a: 1}}\ndata:\n  train:\n    - {paths: [x], weight: 2}\ntraining: {steps: 3}\n".utf8)
    let bytes = Array(":-[]{}#&*!|>'\"%@` \n\t\u{0}?,<~0e.\u{85}".utf8)
    var state: UInt64 = 42
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    for _ in 0..<3000 {
      var text = seed
      for _ in 0...next(4) {
        let place = next(text.count)
        switch next(3) {
        case 0: text[place] = bytes[next(bytes.count)]
        case 1: text.insert(bytes[next(bytes.count)], at: place)
        default: text.remove(at: place)
        }
      }
      do { _ = try RecipeTests.parse(String(decoding: text, as: UTF8.self)) } catch {
        #expect(error is TrainingError)
        #expect(!"\(error)".contains("\n"), "\(error)")
      }
    }
  }
}
