import Files
import Testing

@testable import Evaluation

/// The harness's rules for fields and examples, on tasks made for them. Expectations computed with lm_eval 0.4.13.
struct DocumentReaderTests {
  private func yaml(_ text: String, _ target: String, _ choice: String, _ more: String = "") -> String {
    """
    task: t
    output_type: multiple_choice
    test_split: test
    doc_to_text: \(text)
    doc_to_target: \(target)
    doc_to_choice: \(choice)
    \(more)
    """
  }

  private func ask(_ yaml: String, _ rows: String...) throws -> TaskDocument {
    try #require(try documents(try task(yaml), rows).last)
  }

  private func example(_ yaml: String, _ row: String) throws -> String {
    let task = try task(yaml)
    let rows = try processed(task, [row])
    return try DocumentReader(task, first: rows[0]).example(rows[0])
  }

  @Test func aNameOfAColumnIsTheColumnAndAnythingElseATemplate() throws {
    let found = try ask(yaml("q", "gold", "c"), #"{"q": "{{gold}}", "gold": 1, "c": ["x", "y"]}"#)
    #expect(found.texts() == [["{{gold}}", " x"], ["{{gold}}", " y"]])
    #expect(found.gold == .index(1))
    // No column of the first row, so the text itself.
    #expect(try ask(yaml("Q", "0", "[x, y]"), #"{"q": ""}"#).texts()[0] == ["Q", " x"])
    #expect(try ask(yaml("q", "0", "{b: x, a: y}"), #"{"q": "Q"}"#).texts() == [["Q", " x"], ["Q", " y"]])
  }

  @Test func digitsAreIndicesOnlyWhereThereAreChoices() throws {
    #expect(try ask(yaml("q", "'{{n}}'", "[x, y]"), #"{"q": "Q", "n": 1}"#).gold == .index(1))
    #expect(try ask(yaml("q", "'{{n}}'", "[x, '12']"), #"{"q": "Q", "n": "12"}"#).gold == .index(12))
    let zeros = complaint(try task(yaml("q", "'{{n}}'", "[x, y]")), #"{"q": "Q", "n": "01"}"#)
    #expect(zeros == "data/t.jsonl:7: 'doc_to_target' gives 01, which is no index")
    let several = try ask(yaml("q", "'{{n}}'", "[x, y]"), #"{"q": "Q", "n": [0, 1]}"#)
    #expect(several.gold == .anyOf([0, 1]))
    #expect(several.target == .list([.integer(0), .integer(1)]))
    #expect(try ask(yaml("q", "'[{{n}}'", "['[x', y]"), #"{"q": "Q", "n": "x"}"#).gold == .index(0))
  }

  @Test func choicesMayBePrintedByATemplate() throws {
    let row = #"{"q": "Q", "a": "it's", "b": "\"x\"\n", "l": "['p', 'q']"}"#
    #expect(try ask(yaml("q", "0", "'{{[a, b]}}'"), row).texts().map { $0[1] } == [" it's", " \"x\"\n"])
    #expect(try ask(yaml("q", "0", "\"{{l}}\""), row).texts().map { $0[1] } == [" p", " q"])
    #expect(
      complaint(try task(yaml("q", "0", "'[{{a|length}}]'")), row)
        == "data/t.jsonl:7: 'doc_to_choice[0]' is the integer 4, expected a string")
    #expect(
      complaint(try task(yaml("q", "0", "'{{a}}'")), row).contains("'doc_to_choice' is no Python list but 'it's'"))
  }

  @Test func anIndexForATextMeansOneContextAChoice() throws {
    let yaml = yaml("label", "'{{rest}}'", "'{{[a, b]}}'", "description: 'D {{a}}. '")
    let found = try ask(yaml, #"{"label": 1, "rest": "R", "a": "A", "b": "B"}"#)
    #expect(found.texts() == [["A", " R"], ["B", " R"]])
    #expect(found.gold == .index(1))
    #expect(found.target == .string("R"))
    #expect(try example(yaml, #"{"label": -1, "rest": "R", "a": "A", "b": "B"}"#) == "B R\n\n")
    #expect(
      complaint(
        try task(yaml), #"{"label": 1, "rest": "R", "a": "A", "b": "B"}"#,
        #"{"label": "x", "rest": "R", "a": "A", "b": "B"}"#)
        == "data/t.jsonl:8: 'doc_to_text' gives no index of a choice, as it does for the first row")
  }

  @Test func examplesShowTheRightAnswer() throws {
    let row = #"{"q": "Q", "i": 1, "s": "text", "e": "", "l": ["p", "r"], "n": null}"#
    #expect(try example(yaml("q", "i", "[x, y]"), row) == "Q y\n\n")
    #expect(try example(yaml("q", "s", "[x, y]"), row) == "Q text\n\n")
    #expect(try example(yaml("q", "l", "[x, y]"), row.replacing("\"i\"", with: "\"j\"")) == "Q p\n\n")
    // No answer: no delimiters either.
    #expect(try example(yaml("q", "e", "[x, y]"), row) == "Q")
    let own = """
      fewshot_config:
        doc_to_text: "Ex: {{q}}"
        doc_to_target: s
        target_delimiter: " = "
        fewshot_delimiter: ";"
      """
    #expect(try example(yaml("q", "i", "[x, y]", own), row) == "Ex: Q = text;")
    #expect(throws: EvaluationError.self) { try example(yaml("q", "i", "[x]"), row) }
  }

  @Test func theAnswersPrefixIsPartOfTheQuestion() throws {
    let row = #"{"q": "Q", "i": 1}"#
    let yaml = yaml("q", "i", "[x, y]", "gen_prefix: 'It is'")
    #expect(try ask(yaml, row).texts() == [["Q It is", " x"], ["Q It is", " y"]])
    #expect(try example(yaml, row) == "Q It is y\n\n")
    #expect(try ask(yaml.replacing("'It is'", with: "' It is '"), row).texts()[0][0] == "Q It is ")
    #expect(try example(yaml.replacing("'It is'", with: "' It is '"), row) == "Q It is y\n\n")
  }

  @Test func oddRowsAreErrorsOfOneLine() throws {
    let plain = try task(yaml("q", "i", "c"))
    let first = #"{"q": "Q", "i": 0, "c": ["x"]}"#
    for (row, part) in [
      (#"{"q": 3, "i": 0, "c": ["x"]}"#, "'doc_to_text' gives the integer 3, expected a text"),
      (#"{"q": "Q", "i": 0, "c": "xy"}"#, "'doc_to_choice' gives the string 'xy', expected a list of texts"),
      (#"{"q": "Q", "i": 0, "c": 5}"#, "'doc_to_choice' gives the integer 5, expected a list of texts"),
      (#"{"q": "Q", "i": 0}"#, "column 'c' is missing; the row has q, i"),
      (#"{"q": "Q", "i": {}, "c": ["x"]}"#, "'doc_to_target' gives an object"),
      (#"{"q": "Q", "i": 0, "c": "a\r\nb"}"#, #"gives the string 'a\r\nb', expected"#),
    ] {
      let found = complaint(plain, first, row)
      #expect(found.hasPrefix("data/t.jsonl:8: ") && !found.contains("\n"), "\(found)")
      #expect(found.contains(part), "\(found)")
    }
    // NUL and ten thousand choices are texts like others; half a surrogate pair is no text.
    let odd = try documents(
      plain, [#"{"q": "a\u0000b", "i": 9999, "c": [\#((0..<10_000).map { "\"\($0)\"" }.joined(separator: ","))]}"#])[0]
    #expect(odd.texts().count == 10_000 && odd.texts()[9999] == ["a\0b", " 9999"])
    let folder = try TemporaryFolder()
    try folder.write("t.jsonl", #"{"q": "x"}"# + "\n" + #"{"q": "\ud800"}"#)
    let path = folder.path + "/t.jsonl"
    do {
      _ = try RowFile.read(path)
      Issue.record("half a surrogate pair was read")
    } catch { #expect("\(error)" == "\(path):2: not a JSON object: half a surrogate pair at column 14", "\(error)") }
  }
}
