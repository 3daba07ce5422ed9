import Files
import Glibc
import Testing

@testable import Evaluation

/// The prompts of the built-in tasks, on rows with the spec's edge cases.
struct TaskTests {
  private func builtIn(_ name: String) throws -> EvaluationTask { try TaskCatalog.builtIn.task(name) }

  private func ask(_ name: String, _ json: String) throws -> TaskDocument { try ask(builtIn(name), json) }

  private func ask(_ task: EvaluationTask, _ json: String) throws -> TaskDocument { try documents(task, [json])[0] }

  @Test func everyTaskIsWhatTheCatalogSays() throws {
    let catalog = TaskCatalog.builtIn
    #expect(catalog.taskNames.count == 22 + 57)
    for name in catalog.taskNames {
      let task = try catalog.task(name)
      #expect(task.name == name)
      #expect(task.configuration.tags == catalog.items[name]?.tags)
      #expect(!task.configuration.metrics.isEmpty)
      #expect(task.files.isEmpty)
    }
  }

  @Test func piqa() throws {
    let document = try ask("piqa", #"{"goal": "g", "sol1": "a", "sol2": "b", "label": 1}"#)
    #expect(document.texts() == [["Question: g\nAnswer:", " a"], ["Question: g\nAnswer:", " b"]])
    #expect(document.gold == .index(1))
    #expect(document.target == .integer(1))
  }

  @Test func hellaSwagCleansAndAddsItsColumns() throws {
    let json = #"""
      {"activity_label": " Roof [x]", "ctx_a": "A man [title] climbs.", "ctx_b": "he LOOKS  down", "label": "2",
       "endings": ["[substeps] Wait", "a    b", " jumps [title] Off. "]}
      """#
    let document = try ask("hellaswag", json)
    let text = "Roof : A man. climbs. He looks down"
    #expect(document.texts() == [[text, "  Wait"], [text, " a  b"], [text, " jumps. Off."]])
    #expect(document.gold == .index(2))
    #expect(document.row.json.map(\.key).suffix(3) == ["query", "choices", "gold"])
    #expect(document.row.json["query"] == .string(text))
    #expect(document.row.json["gold"] == .integer(2))
    #expect(document.target == .integer(2))
    let empty = #"{"activity_label": "L", "ctx_a": "c.", "ctx_b": "", "label": 0, "endings": ["e"]}"#
    #expect(try ask("hellaswag", empty).texts() == [["L: c.", " e"]])
  }

  @Test func winoGrandePutsTheOptionInTheContext() throws {
    let task = try builtIn("winogrande")
    let document = try ask(
      task, #"{"sentence": "The _ was _ big . ", "option1": "lamp", "option2": "box", "answer": "2"}"#)
    #expect(document.texts() == [["The lamp", " was _ big ."], ["The box", " was _ big ."]])
    #expect(document.gold == .index(1))
    #expect(document.target == .string("was _ big ."))
    #expect(
      complaint(task, #"{"sentence": "none", "option1": "a", "option2": "b", "answer": "1"}"#)
        == "data/t.jsonl:7: 'sentence' has no blank \"_\" to fill")
    #expect(
      complaint(task, #"{"sentence": "a _", "option1": "a", "option2": "b", "answer": ""}"#)
        .contains("expected \"1\" or \"2\""))
  }

  @Test func wsc273LowersWordsInsideASentenceOnly() throws {
    let task = try builtIn("wsc273")
    let json = #"""
      {"text": "It broke.  The cup fell because it was loose.", "pronoun": "it", "pronoun_loc": 31, "label": 1,
       "options": ["The cup", "The The"]}
      """#
    // Doubled blanks go, and the place of the pronoun stays where it was.
    let document = try ask(task, json)
    #expect(
      document.texts() == ["the cup", "the the"].map { ["It broke. The cup fell because \($0)", "  was loose."] })
    #expect(document.gold == .index(1))
    for place in [-9_223_372_036_854_775_808, -99, 46, 9_223_372_036_854_775_807] {
      #expect(complaint(task, json.replacing("31", with: "\(place)")).contains("outside 'text' of 44 characters"))
    }
    let start = try Self.wsc(task, text: "Hi. It fell.", pronoun: "It", at: 4, option: "The cup")
    #expect(start == "Hi. The cup")
    let possessive = try Self.wsc(task, text: "So her cup fell.", pronoun: "Her", at: 3, option: "Ann")
    #expect(possessive == "So Ann's")
  }

  private static func wsc(
    _ task: EvaluationTask, text: String, pronoun: String, at place: Int, option: String
  ) throws -> String {
    let json =
      #"{"text": "\#(text)", "pronoun": "\#(pronoun)", "pronoun_loc": \#(place), "label": 0, "#
      + #""options": ["\#(option)", "x"]}"#
    return try documents(task, [json])[0].texts()[0][0]
  }

  @Test func wscMarksThePronoun() throws {
    let json = #"""
      {"text": "Mark told Pete lies about himself , which he did n't like .", "span1_text": "Pete",
       "span2_text": "he", "span2_index": 8, "label": 0}
      """#
    let document = try ask("wsc", json)
    #expect(
      document.texts()
        == ["no", "yes"].map {
          [
            "Passage: Mark told Pete lies about himself, which *he* didn't like.\nQuestion: In the passage above, does "
              + "the pronoun \"*he*\" refer to \"*Pete*\"?\nAnswer:", " \($0)",
          ]
        })
  }

  @Test func arcFindsTheKeyAmongTheLabels() throws {
    let json = #"{"question": "q", "choices": {"text": ["x", "y", "z"], "label": ["1", "2", "3"]}, "answerKey": "3"}"#
    for name in ["arc_easy", "arc_challenge"] {
      let document = try ask(name, json)
      #expect(document.texts() == ["x", "y", "z"].map { ["Question: q\nAnswer:", " \($0)"] })
      #expect(document.gold == .index(2))
    }
    #expect(try builtIn("arc_challenge").configuration.datasetName == "ARC-Challenge")
    let unknown = complaint(
      try builtIn("arc_easy"), #"{"question": "q", "choices": {"text": ["x"], "label": ["A"]}, "answerKey": "E"}"#)
    #expect(unknown.hasPrefix("data/t.jsonl:7: 'doc_to_target': "), "\(unknown)")
  }

  @Test func yesAndNo() throws {
    let boolQ = try ask("boolq", #"{"question": "is it", "passage": "It is.", "label": 0}"#)
    #expect(boolQ.texts() == ["no", "yes"].map { ["It is.\nQuestion: is it?\nAnswer:", " \($0)"] })
    #expect(boolQ.gold == .index(0))
    let json =
      #"{"premise": "P", "hypothesis": " H ", "sentence1": "A", "sentence2": "B", "question": "Q", "#
      + #""sentence": "S", "label": 2}"#
    #expect(
      try ask("mnli", json).texts()
        == ["True", "Neither", "False"].map { ["P\nQuestion: H. True, False or Neither?\nAnswer:", " \($0)"] })
    #expect(
      try ask("mnli", json.replacing(" H ", with: "H.")).texts()[0][0]
        == "P\nQuestion: H. True, False or Neither?\nAnswer:")
    #expect(
      try ask("qnli", json).texts()
        == ["yes", "no"].map {
          ["Q\nS\nQuestion: Does this response answer the question?\nAnswer:", " \($0)"]
        })
    #expect(
      try ask("wnli", json).texts().map { $0[1] } == [" False", " True"])
    #expect(try ask("rte", json).texts()[0] == ["A\nQuestion: B True or False?\nAnswer:", " True"])
  }

  @Test func copaContinuesTheSentence() throws {
    let json = #"{"premise": " It rained. ", "choice1": "Élan won.", "choice2": "I", "question": "effect", "label": 1}"#
    let document = try ask("copa", json)
    #expect(document.texts() == [["It rained therefore", "  élan won."], ["It rained therefore", "  i"]])
    #expect(document.gold == .index(1))
    #expect(document.target == .string(" i"))
    #expect(complaint(try builtIn("copa"), json.replacing("effect", with: "why")).contains("expected cause or effect"))
  }

  @Test func raceShowsSolvedQuestions() throws {
    let problems =
      #"[{'question': 'One  _  .', 'answer': 'B', 'options': ['a', \"b's\", 'c', 'd']}, "#
      + #"{'question': 'Two?', 'answer': 'A', 'options': ['e', 'f', 'g', 'h']}, "#
      + #"{'question': 'Three is', 'answer': 'D', 'options': ['i', 'j', 'k', 'l']}]"#
    let task = try builtIn("race")
    let document = try ask(task, #"{"article": "Text.", "problems": "\#(problems)"}"#)
    #expect(
      document.texts()
        == ["i", "j", "k", "l"].map {
          ["Article: Text.\n\nOne b's\nQuestion: Two?\nAnswer: e\nThree is", " \($0)"]
        })
    #expect(document.gold == .index(3))
    for (problems, part) in [
      ("[]", "expected the text of a Python list with a problem"), ("[", "is not a Python list"),
      ("[{'question': 'q', 'answer': 'E', 'options': ['a', 'b', 'c', 'd']}]", "an answer from A to D"),
      ("[{'question': 'q', 'answer': 'A', 'options': ['a', 'b', 3, 'd']}]", "problems[0].options[2]"),
    ] {
      let found = complaint(task, #"{"article": "", "problems": "\#(problems)"}"#)
      #expect(found.hasPrefix("data/t.jsonl:7: ") && found.contains(part), "\(found)")
    }
  }

  @Test func openBookQAStripsTheKeyButNotTheStem() throws {
    let document = try ask(
      "openbookqa",
      #"{"question_stem": "because of ", "choices": {"text": ["s", "t"], "label": ["A", "B"]}, "answerKey": " B"}"#)
    #expect(document.texts() == [["because of ", " s"], ["because of ", " t"]])
    #expect(document.gold == .index(1))
  }

  @Test func theLastChoiceOfSciQAndTheFirstOfTruthfulQAIsRight() throws {
    let sciQ = try ask(
      "sciq",
      #"{"support": "\n ", "question": "q", "distractor1": "a", "distractor2": "b", "distractor3": "c", "#
        + #""correct_answer": "d"}"#)
    #expect(sciQ.texts() == ["a", "b", "c", "d"].map { ["\nQuestion: q\nAnswer:", " \($0)"] })
    #expect(sciQ.gold == .index(3))
    let task = try builtIn("truthfulqa_mc1")
    let truthful = try ask(task, #"{"question": "Why?", "mc1_targets": {"choices": ["a", "b"], "labels": [1, 0]}}"#)
    let text = truthful.texts()[0][0]
    #expect(text.hasPrefix("Q: What is human life expectancy in the United States?\nA: Human life expectancy in the"))
    #expect(text.hasSuffix("held in Barcelona, Spain.\n\nQ: Why?\nA:"))
    #expect(text.filter { $0 == "\n" }.count == 19)
    #expect(truthful.gold == .index(0))
    #expect(task.configuration.fewShot(asked: 5) == 0)
  }

  @Test func mc2IsTheShareOfTrueAnswers() throws {
    let task = try builtIn("truthfulqa_mc2")
    let document = try ask(
      task, #"{"question": "q", "mc2_targets": {"choices": ["a", "b", "c"], "labels": [1, 0, 1]}}"#)
    let scores = [0.5, 0.25, 0.25].map { Score(logProbability: log($0), isGreedy: false) }
    let items = task.items(of: document, scores: scores)
    #expect(items.map(\.name) == ["acc"])
    #expect(abs(items[0].item.value - 0.75) < 1e-15)
    #expect(
      complaint(task, #"{"question": "q", "mc2_targets": {"choices": ["a"], "labels": [1, 0]}}"#)
        == "data/t.jsonl:7: 'mc2_targets.labels' has 2 labels for 1 choices")
  }

  @Test(arguments: [
    (#"it was  a\ncafé"#, "it was ", " a\ncafé"), ("word", "", " word"), ("", "", " "), ("a b ", "a b", " "),
    (#"a b\u00a0c"#, "a", " b\u{A0}c"),
  ])
  func lambadaSplitsOnSingleBlanks(text: String, context: String, target: String) throws {
    for name in ["lambada_openai", "lambada_standard"] {
      #expect(try ask(name, #"{"text": "\#(text)"}"#).texts() == [[context, target]])
    }
  }

  @Test func logiQAListsItsOptions() throws {
    let json = #"{"context": "C", "question": "Q", "options": ["w", "x", "y", "z"], "label": " c "}"#
    let document = try ask("logiqa", json)
    let text = "Passage: C\nQuestion: Q\nChoices:\nA. w\nB. x\nC. y\nD. z\nAnswer:"
    #expect(document.texts() == ["w", "x", "y", "z"].map { [text, " \($0)"] })
    #expect(document.gold == .index(2))
  }

  @Test func mmluHasADescription() throws {
    let task = try builtIn("mmlu_high_school_us_history")
    let rows = try processed(task, [#"{"question": " q\n", "choices": ["w", "x", "y", "z"], "answer": 3}"#])
    let reader = try DocumentReader(task, first: rows[0])
    #expect(
      try reader.description(rows[0])
        == "The following are multiple choice questions (with answers) about high school us history.\n\n")
    #expect(
      try reader.document(rows[0]).texts()
        == ["A", "B", "C", "D"].map { ["q\nA. w\nB. x\nC. y\nD. z\nAnswer:", " \($0)"] })
    #expect(try reader.example(rows[0]) == "q\nA. w\nB. x\nC. y\nD. z\nAnswer: D\n\n")
    #expect(task.configuration.alias == "high_school_us_history")
    #expect(task.configuration.poolSplit == "dev")
  }

  /// Expectation computed with the harness's detokenizer under CPython.
  @Test func wikiTextDetokenizesButCountsTheOriginal() throws {
    let page =
      #" = The Isles ' Tale = \n\n It is 1 @,@ 204 m @.@ ( about 4 @-@ 5 ) ; \" well \" : N ° "#
      + #"' a ' .\n = = X = = \n /' 5/ 's"#
    let task = try builtIn("wikitext")
    let document = try ask(task, #"{"page": "\#(page)"}"#)
    #expect(
      document.texts() == [
        [" = The Isles'Tale =\n\nIt is 1,204 m.(about 4-5); \"well\": 1 °' a '.\n== X ==\n/'[0-9]/'s"]
      ])
    let items = task.items(of: document, scores: [Score(logProbability: -5, isGreedy: false)])
    #expect(items.map(\.name) == ["word_perplexity", "byte_perplexity", "bits_per_byte"])
    #expect(items.map(\.item.count) == [39, 112, 112])
  }

  @Test func complaintsNameFileLineAndKey() throws {
    let piqa = try builtIn("piqa")
    let missing = complaint(piqa, #"{"goal": "g", "sol1": "a", "label": 1}"#)
    #expect(missing.hasPrefix("data/t.jsonl:7: 'doc_to_choice': ") && missing.contains("sol2"), "\(missing)")
    #expect(missing.hasSuffix("the row has goal, sol1, label"), "\(missing)")
    #expect(
      complaint(piqa, #"{"goal": "g", "sol1": "a", "sol2": 3, "label": 1}"#)
        == "data/t.jsonl:7: 'doc_to_choice[1]' is the integer 3, expected a string")
    #expect(
      complaint(piqa, #"{"goal": "g", "sol1": "a", "sol2": "b", "label": null}"#)
        == "data/t.jsonl:7: 'doc_to_target' gives null, expected an index or the text of a choice")
    #expect(
      complaint(
        piqa, #"{"goal": "g", "sol1": "a", "sol2": "b", "label": 1}"#, #"{"goal": "g", "sol1": "a", "sol2": "b"}"#)
        == "data/t.jsonl:8: column 'label' is missing; the row has goal, sol1, sol2")
    let arc = try builtIn("arc_easy")
    #expect(
      complaint(arc, #"{"question": "q", "choices": {"text": [], "label": ["A"]}, "answerKey": "A"}"#)
        == "data/t.jsonl:7: 'doc_to_choice' gives an empty list, expected at least one choice")
    #expect(
      complaint(arc, #"{"question": "q", "choices": {"text": ["a", null], "label": ["A"]}, "answerKey": "A"}"#)
        == "data/t.jsonl:7: 'doc_to_choice[1]' is null, expected a string")
    #expect(
      complaint(
        try builtIn("hellaswag"), #"{"activity_label": "L", "ctx_a": "", "ctx_b": "", "label": "", "endings": ["e"]}"#)
        == "data/t.jsonl:7: 'label' is the string '', expected an integer, or digits in a string")
    #expect(
      complaint(try builtIn("wikitext"), "{}") == "data/t.jsonl:7: column 'page' is missing; the row has no columns")
  }
}
