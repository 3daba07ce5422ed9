import Files
import Templates

/// Asks a task's rows. What the harness decides once, from the first row of the evaluated split, is decided here: which
/// names are columns, and whether the task has several contexts or several right answers a row.
///
/// The rules for fields are those of lm-evaluation-harness 0.4.13, `ConfigurableTask`.
struct DocumentReader: Sendable {
  private let task: EvaluationTask
  private let columns: Set<String>
  private var hasMultipleInputs = false
  private var hasMultipleTargets = false

  /// - Parameter first: the first row of the evaluated split, processed.
  /// - Throws: `EvaluationError.row`.
  init(_ task: EvaluationTask, first: Row) throws(EvaluationError) {
    self.task = task
    columns = Set(first.columns.compactMap(\.key.string))
    guard task.configuration.outputType == .multipleChoice else { return }
    hasMultipleInputs = try text(first, task.prompt).integer != nil
    hasMultipleTargets = try target(first, task.prompt).elements.map { !$0.isEmpty } ?? false
  }

  // MARK: - Documents

  /// - Throws: `EvaluationError.row` when a column is missing or has the wrong type.
  func document(_ row: Row) throws(EvaluationError) -> TaskDocument {
    let prompt = task.prompt
    let target = try target(row, prompt)
    let question: TaskDocument.Question
    switch task.configuration.outputType {
    case .multipleChoice where hasMultipleInputs:
      let choices = try choices(row, prompt)
      guard let gold = try text(row, prompt).integer else {
        throw row.error("'doc_to_text' gives no index of a choice, as it does for the first row")
      }
      var contexts: [String] = []
      for choice in choices { contexts.append(try withAnswerPrefix(choice, row, prompt, delimiter: "")) }
      question = .multipleInputs(contexts: contexts, target: target.text, gold: .index(gold))
    case .multipleChoice:
      let choices = try choices(row, prompt)
      question = .multipleChoice(
        text: try contextText(row, prompt), choices: choices, gold: try gold(target, choices, row))
    case .logLikelihood:
      question = .logLikelihood(text: try contextText(row, prompt), target: try answerText(target, row))
    case .rolling:
      let text = try answerText(target, row)
      question = .rolling(text: text, words: PythonString.countWords(text), bytes: text.utf8.count)
    }
    return TaskDocument(row: row, question: question, target: target, results: try results(row, question))
  }

  /// The text before a row's few-shot examples.
  func description(_ row: Row) throws(EvaluationError) -> String {
    guard let field = task.description else { return "" }
    switch try field.result(row, columns: { row.columns[$0] != nil }) {
    case .rendered(let text): return text
    case .value(.none): return ""
    case .value(let value):
      guard let text = value.string else {
        throw row.error("'description' gives \(Row.kind(value)), expected a text")
      }
      return text
    }
  }

  private func results(
    _ row: Row, _ question: TaskDocument.Question
  ) throws(EvaluationError) -> TaskFunction.ResultItems? {
    guard case .results(_, let body)? = task.results?.body else { return nil }
    switch question {
    case .multipleChoice(_, let choices, _), .multipleInputs(let choices, _, _): return try body(row, choices.count)
    case .logLikelihood, .rolling: return try body(row, 1)
    }
  }

  // MARK: - Few-shot examples

  /// A row as a few-shot example: text, delimiter, answer, and the delimiter between examples.
  /// - Throws: `EvaluationError.row`.
  func example(_ row: Row) throws(EvaluationError) -> String {
    let prompt = task.examplePrompt
    let choices = try prompt.choices.map { field throws(EvaluationError) in try choiceValues(row, field) }
    let target = try target(row, prompt)
    var text = try text(row, prompt)
    var answerChoices = choices
    if hasMultipleInputs {
      text = try element(of: choices ?? [], at: text.integer, row, "doc_to_text")
      answerChoices = nil
    }
    guard let question = text.string else {
      throw row.error("'doc_to_text' gives \(Row.kind(text)) for a few-shot example, expected a text")
    }
    let prefix = try answerPrefix(row, prompt)
    // An empty answer is none: neither delimiter follows the text.
    if target == .none || target == .string("") {
      return question + Self.join(question, prefix, delimiter: prompt.targetDelimiter)
    }
    let answer: PythonValue
    if let answerChoices, !answerChoices.isEmpty, let index = target.integer {
      answer = try element(of: answerChoices, at: index, row, "doc_to_target")
    } else if case .list(let several) = target {
      answer = try element(of: several, at: 0, row, "doc_to_target")
    } else {
      answer = target
    }
    guard let answer = answer.string else {
      throw row.error("'doc_to_target' gives \(Row.kind(answer)) for a few-shot example, expected a text or an index")
    }
    let delimiter =
      prefix.isEmpty || Self.needsDelimiter(question, prefix) ? prompt.targetDelimiter : ""
    return question + delimiter + Self.join(prefix, answer) + prompt.delimiter
  }

  /// `values[index]`, as Python counts.
  private func element(
    of values: [PythonValue], at index: Int?, _ row: Row, _ key: String
  ) throws(EvaluationError) -> PythonValue {
    let position = index.map { $0 < 0 ? $0 + values.count : $0 }
    guard let position, values.indices.contains(position) else {
      throw row.error(
        "'\(key)' is \(index.map(String.init) ?? "no index") for a few-shot example, with \(values.count) choices")
    }
    return values[position]
  }

  // MARK: - Fields

  /// `doc_to_text`: digits are an index where there are choices.
  private func text(_ row: Row, _ prompt: Prompt) throws(EvaluationError) -> PythonValue {
    switch try prompt.text.result(row, columns: columns.contains) {
    case .value(let value): return value
    case .rendered(let text): return try index(text, row, "doc_to_text") ?? .string(text)
    }
  }

  /// `doc_to_target`: digits are an index where there are choices, and a text in brackets is a list if Python reads it
  /// as one.
  private func target(_ row: Row, _ prompt: Prompt) throws(EvaluationError) -> PythonValue {
    switch try prompt.target.result(row, columns: columns.contains) {
    case .value(let value): return value
    case .rendered(let text):
      if let index = try index(text, row, "doc_to_target") { return index }
      guard text.utf8.count >= 2, text.utf8.first == UInt8(ascii: "["), text.utf8.last == UInt8(ascii: "]") else {
        return .string(text)
      }
      do { return try PythonLiteral.parse(text) } catch { return .string(text) }
    }
  }

  private func index(_ text: String, _ row: Row, _ key: String) throws(EvaluationError) -> PythonValue? {
    guard task.prompt.choices != nil, PythonString.isASCIIDigits(text) else { return nil }
    // A number of Python has no zeros before it.
    let hasZeros = text.utf8.first == UInt8(ascii: "0") && text.utf8.contains { $0 != UInt8(ascii: "0") }
    guard !hasZeros, let index = Int(text) else { throw row.error("'\(key)' gives \(text), which is no index") }
    return .integer(index)
  }

  private func choiceValues(_ row: Row, _ field: PromptField) throws(EvaluationError) -> [PythonValue] {
    let value = try field.native(row, columns: columns.contains)
    guard let values = value.elements else {
      throw row.error("'\(field.key)' gives \(Row.kind(value)), expected a list of texts")
    }
    return values
  }

  private func choices(_ row: Row, _ prompt: Prompt) throws(EvaluationError) -> [String] {
    guard let field = prompt.choices else { return [] }
    let values = try choiceValues(row, field)
    guard !values.isEmpty else { throw row.error("'\(field.key)' gives an empty list, expected at least one choice") }
    return try row.strings(values, of: field.key)
  }

  /// Which choices are right: an index, a choice's text, or a list of indices.
  private func gold(
    _ target: PythonValue, _ choices: [String], _ row: Row
  ) throws(EvaluationError) -> TaskDocument.Gold {
    switch target {
    case .integer, .bool:
      if !hasMultipleTargets { return .index(target.integer ?? -1) }
    case .string(let text):
      // A text that is no choice is never right.
      if !hasMultipleTargets { return .index(choices.firstIndex { PythonString.equal($0, text) } ?? choices.count) }
    case .list(let values):
      if hasMultipleTargets, values.allSatisfy({ $0.integer != nil }) { return .anyOf(values.compactMap(\.integer)) }
    default: break
    }
    if task.results != nil { return .index(choices.count) }
    throw row.error(
      "'doc_to_target' gives \(Row.kind(target)), expected "
        + (hasMultipleTargets ? "a list of indices, as for the first row" : "an index or the text of a choice"))
  }

  /// The text that answers follow.
  private func contextText(_ row: Row, _ prompt: Prompt) throws(EvaluationError) -> String {
    let value = try text(row, prompt)
    guard let text = value.string else { throw row.error("'doc_to_text' gives \(Row.kind(value)), expected a text") }
    return try withAnswerPrefix(text, row, prompt, delimiter: prompt.targetDelimiter)
  }

  private func answerText(_ target: PythonValue, _ row: Row) throws(EvaluationError) -> String {
    guard let text = target.string else {
      throw row.error("'doc_to_target' gives \(Row.kind(target)), expected a text")
    }
    return text
  }

  // MARK: - Answer prefixes

  private func answerPrefix(_ row: Row, _ prompt: Prompt) throws(EvaluationError) -> String {
    guard let field = prompt.answerPrefix else { return "" }
    switch try field.result(row, columns: columns.contains) {
    case .rendered(let text): return text
    case .value(let value):
      guard let text = value.string else { throw row.error("'gen_prefix' gives \(Row.kind(value)), expected a text") }
      return text
    }
  }

  private func withAnswerPrefix(
    _ text: String, _ row: Row, _ prompt: Prompt, delimiter: String
  ) throws(EvaluationError) -> String {
    text + Self.join(text, try answerPrefix(row, prompt), delimiter: delimiter)
  }

  /// What follows `text` for a prefix: nothing if there is none, else the delimiter, unless a blank is there, and the
  /// prefix.
  private static func join(_ text: String, _ prefix: String, delimiter: String) -> String {
    prefix.isEmpty ? "" : (needsDelimiter(text, prefix) ? delimiter : "") + prefix
  }

  /// Prefix and answer with one blank between them.
  private static func join(_ prefix: String, _ answer: String) -> String {
    prefix.isEmpty || answer.isEmpty ? prefix + answer : prefix + (needsDelimiter(prefix, answer) ? " " : "") + answer
  }

  private static func needsDelimiter(_ left: String, _ right: String) -> Bool {
    guard let last = left.unicodeScalars.last, let first = right.unicodeScalars.first else { return false }
    return !PythonString.isSpace(last) && !PythonString.isSpace(first)
  }
}
