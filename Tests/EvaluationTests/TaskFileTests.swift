import Files
import Foundation
import Templates
import Testing

@testable import Evaluation

/// The reader of the harness's task YAML.
struct TaskFileTests {
  private static let minimal = """
    task: t
    output_type: multiple_choice
    test_split: test
    doc_to_text: "{{q}}"
    doc_to_target: label
    doc_to_choice: [a, b]

    """

  private func message(_ yaml: String, including others: [String: String] = [:]) -> String {
    do {
      _ = try task(yaml, including: others)
      return "no error"
    } catch { return "\(error)" }
  }

  // MARK: - Values

  /// Python's `repr` of what PyYAML 6 makes of each.
  private static let values: [(text: String, value: String)] = [
    ("yes", "True"), ("Off", "False"), ("yES", "'yES'"), ("'yes'", "'yes'"), ("y", "'y'"), ("~", "None"),
    ("", "None"), ("null", "None"), ("NULL", "None"), ("nUll", "'nUll'"), ("!!str 5", "'5'"), ("0", "0"),
    ("010", "8"), ("08", "'08'"), ("1_000", "1000"), ("-12", "-12"), ("+7", "7"), ("0x1F", "31"), ("-0b101", "-5"),
    ("1:30", "90"), ("1:60", "'1:60'"), ("0o17", "'0o17'"), ("1__", "1"), ("0_7", "7"), ("_1", "'_1'"),
    ("-9223372036854775808", "-9223372036854775808"), ("-0x8000000000000000", "-9223372036854775808"),
    ("9223372036854775807", "9223372036854775807"), ("-1:30", "-90"), ("-010", "-8"),
    ("1.0", "1.0"), ("1.", "1.0"), (".5", "0.5"), ("-.5", "'-.5'"), ("1e5", "'1e5'"), ("1.0e5", "'1.0e5'"),
    ("1.0e+5", "100000.0"), ("1_0.2_5", "10.25"), ("1.2.3", "'1.2.3'"), (".inf", "inf"), ("-.INF", "-inf"),
    (".", "'.'"), ("12-34", "'12-34'"), ("[1, no]", "[1, False]"), ("{a: 1.5}", "{'a': 1.5}"),
    ("!function a.b", "'!function a.b'"), ("\"a\\\n  \\ b\"", "'a b'"), ("|\n    x\n    y\n", "'x\\ny\\n'"),
  ]

  @Test(arguments: values)
  func valuesAreThoseOfPyYAML(text: String, value: String) throws {
    let node = try #require(try definition("a: \(text)\n")["a"])
    #expect(try node.value().representation == value, "\(text)")
  }

  @Test func whatHasNoValueHereIsAnError() {
    #expect(
      message(Self.minimal + "metadata: {version: 2024-01-31}").contains("t.yaml:7: 2024-01-31 is a date in YAML"))
    #expect(message(Self.minimal + "metadata: {version: 99999999999999999999}").contains("has more than 64 bits"))
    #expect(message(Self.minimal + "metadata: {version: !!binary aGk=}").contains("binary is not supported"))
  }

  // MARK: - Keys

  @Test(arguments: [
    ("task: t", "task: [a]", "t.yaml:1: 'task' is a list, expected a text"),
    ("task: t\n", "", "t.yaml: 'task' is missing; a task needs it"),
    ("task: t", "task: on", "t.yaml:1: 'task' is on, a truth value in YAML, expected a text; put it in quotes"),
    (
      "output_type: multiple_choice\n", "",
      "t.yaml: 'output_type' is missing, which means generate_until; only multiple_choice, loglikelihood, "
        + "loglikelihood_rolling are scored here"
    ),
    ("multiple_choice", "generate_until", "t.yaml:2: 'output_type' is generate_until; only"),
    ("test_split: test\n", "", "t.yaml: task 't' has neither test_split nor validation_split to score"),
    ("\"{{q}}\"", "\"{{q\"", "t.yaml:4: 'doc_to_text': "),
    (
      "\"{{q}}\"", "!function utils.nothing",
      "t.yaml:4: !function utils.nothing is Python, which is not run; of the functions that are built in instead none is "
        + "for dataset_path '', only for "
    ),
    (
      "\"{{q}}\"", "!function utils.doc_to_text",
      "none is for dataset_path '', only for MBZUAI-Paris/DarijaMMLU"
    ),
    (
      "\"{{q}}\"", "!function utils.process_docs\ndataset_path: nyu-mll/glue",
      "those for dataset_path 'nyu-mll/glue' are utils.doc_to_text"
    ),
    (
      "\"{{q}}\"", "!function utils.process_docs\ndataset_path: Rowan/hellaswag",
      "t.yaml:4: !function utils.process_docs cannot be 'doc_to_text'"
    ),
    ("label", "", "t.yaml: 'doc_to_target' is missing; a task needs it"),
    ("doc_to_choice: [a, b]", "doc_to_choices: [a, b]", "t.yaml:6: 'doc_to_choices' is no key of a task"),
    ("[a, b]", "[yes, no]", "t.yaml:6: 'doc_to_choice' has True, which is no text in YAML; put it in quotes"),
    ("doc_to_choice: [a, b]", "", "t.yaml: 'doc_to_choice' is missing; a task needs it"),
    ("doc_to_choice", "doc_to_image: x\ndoc_to_choice", "t.yaml:6: 'doc_to_image' is not supported"),
    (
      "doc_to_choice", "num_fewshot: -1\ndoc_to_choice",
      "'num_fewshot' is the number -1, expected a whole number, 0 or more"
    ),
    (
      "doc_to_choice", "fewshot_config: 3\ndoc_to_choice",
      "'fewshot_config' is the number 3, expected a section of keys"
    ),
    ("doc_to_choice", "fewshot_config: {sampler: balanced}\ndoc_to_choice", "expected default or first_n"),
    ("doc_to_choice", "fewshot_config: {samples: !function a.b}\ndoc_to_choice", "expected a list of rows"),
    (
      "doc_to_choice", "metric_list: []\ndoc_to_choice",
      "t.yaml:6: 'metric_list' is empty, so nothing would be measured; without the key it is acc, acc_norm"
    ),
    (
      "doc_to_choice", "metric_list: [{metric: brier_score}]\ndoc_to_choice",
      "metric 'brier_score' is not computed here"
    ),
    ("doc_to_choice", "metric_list: [{aggregation: mean}]\ndoc_to_choice", "'metric' is missing"),
    (
      "doc_to_choice", "metric_list: [{metric: acc, aggregation: !function a.b}]\ndoc_to_choice",
      "'aggregation' is the text 'a.b', expected mean, perplexity"
    ),
    (
      "doc_to_choice", "process_docs: x\ndoc_to_choice",
      "'process_docs' is the text 'x', expected !function module.name"
    ),
    (
      "doc_to_choice", "dataset_path: nyu-mll/glue\nprocess_docs: !function utils.doc_to_text\ndoc_to_choice",
      "t.yaml:7: !function utils.doc_to_text cannot be 'process_docs'"
    ),
    ("doc_to_choice", "a: {b: 1}\na: 2\ndoc_to_choice", "key 'a' is given twice"),
    ("task: t", "- t", "not YAML"),
  ])
  func complaintsNameFileLineAndKey(old: String, new: String, part: String) {
    let found = message(Self.minimal.replacing(old, with: new))
    #expect(found.contains(part), "\(found)")
    #expect(!found.contains("\n"))
  }

  @Test func unusedAnchorsPassAndAliasesDoNot() {
    #expect(message(Self.minimal + "description: &x text") == "no error")
    #expect(message(Self.minimal + "description: \"R &D\"") == "no error")
    #expect(message(Self.minimal + "description: &x text\ntask_alias: *x").hasPrefix("t.yaml:7: anchors (&name)"))
    var bomb = "a0: &a0 [x]\n"
    for level in 1...60 { bomb += "? &a\(level) [*a\(level - 1), *a\(level - 1)]\n: 1\n" }
    #expect(message(bomb).hasPrefix("t.yaml:1: anchors (&name)"))
  }

  // MARK: - Includes

  @Test func ownKeysWinOverIncludedOnesWhichKeepTheirPlace() throws {
    let found = try definition(
      "include: [a.yaml, sub/b.yaml]\ntask: t\nx: own\n",
      including: [
        "a.yaml": "x: a\ny: a\nz: a\ntask_list: [1]\n", "sub/b.yaml": "include: c.yaml\ny: b\n",
        "./sub/c.yaml": "z: c\ny: c\n",
        "sub/c.yaml": "z: c\ny: c\n",
      ])
    #expect(found.entries.map(\.key) == ["x", "y", "z", "task"])
    #expect(try found.entries.map { try $0.value.value().text } == ["own", "b", "c", "t"])
    #expect(found["z"]?.location == "./sub/c.yaml:1")
  }

  @Test func includesEnd() {
    #expect(message("include: t.yaml\ntask: t").contains("'include' goes round in a circle"))
    #expect(message("include: {a: b}\n") == "t.yaml:1: 'include' is a section of keys, expected the name of a file")
    let wide = "include: [" + Array(repeating: "a.yaml", count: 100).joined(separator: ", ") + "]"
    #expect(message(wide, including: ["a.yaml": "x: 1"]) == "t.yaml:1: more than 64 files include one another")
    #expect(
      message("include: a.yaml", including: ["a.yaml": "- x"]).contains("expected the keys of a task, found a list"))
  }

  @Test func aMissingIncludeIsNamedWhereItIsWritten() throws {
    let folder = try TemporaryFolder()
    try folder.write("t.yaml", "task: t\ninclude: ../gone.yaml\n")
    do {
      _ = try TaskDefinition.read(folder.path + "/t.yaml")
      Issue.record("no error")
    } catch {
      #expect("\(error)".hasPrefix("\(folder.path)/t.yaml:2: 'include': "), "\(error)")
      #expect("\(error)".contains("gone.yaml"))
    }
  }

  @Test func filesAreBoundedText() throws {
    let folder = try TemporaryFolder()
    try Data([0x61, 0x3A, 0xFF]).write(to: URL(fileURLWithPath: folder.path + "/a.yaml"))
    try folder.write("b.yaml", String(repeating: "#", count: 300_000))
    func message(_ name: String) -> String {
      do {
        _ = try TaskDefinition.read("\(folder.path)/\(name)")
        return "no error"
      } catch { return "\(error)" }
    }
    #expect(message("a.yaml").hasSuffix("a.yaml: not UTF-8 text"))
    #expect(message("b.yaml").contains("300000 bytes, expected 262144 at most"))
    #expect(message("c.yaml").contains("c.yaml"))
    #expect(message("").contains(folder.path))
  }

  /// Whatever bytes a task file has, reading it ends in a task or an error of one line.
  @Test func mutatedFilesNeverCrash() {
    let seed = Array((Self.minimal + "fewshot_config: {samples: [{q: x}]}\nmetric_list: [{metric: acc}]\n").utf8)
    let bytes = Array(":-[]{}#&*!|>'\"%@` \n\t?,<~0e.yx".utf8)
    var state: UInt64 = 7
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    for _ in 0..<1500 {
      var text = seed
      for _ in 0...next(4) {
        let place = next(text.count)
        switch next(3) {
        case 0: text[place] = bytes[next(bytes.count)]
        case 1: text.insert(bytes[next(bytes.count)], at: place)
        default: text.remove(at: place)
        }
      }
      let found = message(String(decoding: text, as: UTF8.self), including: ["t.yaml": ""])
      #expect(!found.contains("\n"), "\(found)")
    }
  }
}
