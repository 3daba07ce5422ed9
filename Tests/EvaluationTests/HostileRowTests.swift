import Files
import Testing

@testable import Evaluation

/// Whatever a row has, asking it ends in a document or in an error of one line.
struct HostileRowTests {
  private static let rows = [
    "wsc273": #"{"text": "A. It is", "pronoun": "It", "pronoun_loc": 3, "options": ["The x", "y"], "label": 0}"#,
    "wsc": #"{"text": "a b c", "span1_text": "a", "span2_text": "b", "span2_index": 1, "label": 1}"#,
    "race": #"{"article": "a", "problems": "[{'question': 'q', 'answer': 'A', 'options': ['a', 'b', 'c', 'd']}]"}"#,
    "arc_easy": #"{"question": "q", "choices": {"text": ["x", "y"], "label": ["A", "B"]}, "answerKey": "B"}"#,
    "copa": #"{"premise": "p.", "choice1": "A", "choice2": "B", "question": "cause", "label": 1}"#,
    "hellaswag": #"{"activity_label": "a", "ctx_a": "b", "ctx_b": "c", "endings": ["d", "e"], "label": "0"}"#,
    "winogrande": #"{"sentence": "a _ b", "option1": "c", "option2": "d", "answer": "1"}"#,
    "truthfulqa_mc2": #"{"question": "q", "mc2_targets": {"choices": ["a", "b"], "labels": [1, 0]}}"#,
    "mmlu_anatomy": #"{"question": "q", "choices": ["a", "b", "c", "d"], "answer": 2}"#,
    "lambada_openai": #"{"text": "one two"}"#, "wikitext": #"{"page": " = a = \n"}"#,
  ]

  private static let odd: [JSON] = [
    .null, .bool(true), .integer(-1), .integer(.max), .integer(.min), .number(1.5), .string(""), .string("\0\r\n_"),
    .string("[1, ("), .string("['a']"), .string("007"), .string("{{x}}"), .array([]), .array([.null, .string("a")]),
    .object([:]), .object(["text": .array([]), "label": .null]),
  ]

  private struct Generator {
    var state: UInt64 = 3

    mutating func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }

    mutating func mutated(_ value: JSON) -> JSON {
      if next(5) == 0 { return HostileRowTests.odd[next(HostileRowTests.odd.count)] }
      switch value {
      case .array(let elements): return .array(elements.map { mutated($0) })
      case .object(let members):
        var object = JSONObject()
        for (key, value) in members where next(20) != 0 { object[key] = mutated(value) }
        return .object(object)
      default: return value
      }
    }
  }

  @Test(arguments: rows.keys.sorted())
  func mutatedRowsNeverCrash(name: String) throws {
    let task = try TaskCatalog.builtIn.task(name)
    let seed = try JSON(parsing: try #require(Self.rows[name]))
    var generator = Generator()
    var asked = 0
    for _ in 0..<150 {
      let lines = (0..<2).map { index in (index == 0 ? seed : generator.mutated(seed)).serialized() }
      do {
        for document in try documents(task, lines.map { $0.hasPrefix("{") ? $0 : "{}" }) {
          let scores = document.texts().map { _ in Score(logProbability: .nan, isGreedy: true) }
          #expect(!task.items(of: document, scores: scores).isEmpty)
        }
        let rows = try processed(task, lines.map { $0.hasPrefix("{") ? $0 : "{}" })
        _ = try DocumentReader(task, first: rows[0]).example(rows[1])
        asked += 1
      } catch {
        #expect(error is EvaluationError, "\(error)")
        #expect(!"\(error)".contains("\n"), "\(error)")
      }
    }
    #expect(asked > 0 && asked < 150)
  }
}
