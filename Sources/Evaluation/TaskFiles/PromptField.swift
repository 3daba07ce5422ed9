import Templates
import YAML

/// A field of a prompt as a task's YAML has it: `doc_to_text`, `doc_to_target`, `doc_to_choice`, `description`,
/// `gen_prefix`.
struct PromptField: Sendable {
  enum Source: Sendable {
    /// A number or a list: used as it is.
    case value(PythonValue)
    /// The name of a column, or else a template.
    case template(Template)
    case function(@Sendable (Row) throws(EvaluationError) -> PythonValue)
  }

  /// The key in the YAML, for messages.
  let key: String
  let source: Source

  /// - Parameter dataset: the task's `dataset_path`, by which functions of the same name are told apart.
  /// - Throws: `EvaluationError.taskFile` for what is no template, or a function that there is not.
  init(key: String, node: YAMLNode, dataset: String?) throws(EvaluationError) {
    self.key = key
    if node.tag == "!function", case .scalar(let name, _) = node.value {
      let function = try TaskFunction.named(name, dataset: dataset, location: node.location)
      guard case .value(let body) = function.body else {
        throw .taskFile(location: node.location, reason: "!function \(name) cannot be '\(key)'")
      }
      source = .function(body)
      return
    }
    switch try node.value() {
    case .string(let text):
      do { source = .template(try Template(text)) } catch {
        throw .taskFile(location: node.location, reason: "'\(key)': \(error)")
      }
    // A map of choices stands for its values.
    case .dictionary(let members): source = .value(.list(members.map(\.value)))
    case let value: source = .value(value)
    }
    guard key == "doc_to_choice", case .value(.list(let choices)) = source else { return }
    if let other = choices.first(where: { $0.string == nil }) {
      throw .taskFile(
        location: node.location, reason: "'doc_to_choice' has \(other.text), which is no text in YAML; put it in quotes"
      )
    }
  }

  /// What a field gives for a row.
  enum Result {
    /// A column, a function's result or a value of the YAML.
    case value(PythonValue)
    /// What a template rendered to.
    case rendered(String)
  }

  /// - Parameter columns: the names that count as columns.
  func result(_ row: Row, columns: (String) -> Bool) throws(EvaluationError) -> Result {
    switch source {
    case .value(let value): return .value(value)
    case .function(let body): return .value(try body(row))
    case .template(let template):
      if columns(template.source) { return .value(try row.value(template.source)) }
      do { return .rendered(try template.render(row.columns)) } catch { throw failure(error, row) }
    }
  }

  /// A template's native value where it is a single expression, so that a list need not be printed and read again.
  func native(_ row: Row, columns: (String) -> Bool) throws(EvaluationError) -> PythonValue {
    switch source {
    case .value(let value): return value
    case .function(let body): return try body(row)
    case .template(let template):
      if columns(template.source) { return try row.value(template.source) }
      let value: PythonValue
      do { value = try template.value(row.columns) } catch { throw failure(error, row) }
      // What a template prints is Python source.
      guard case .string(let text) = value else { return value }
      do { return try PythonLiteral.parse(text) } catch {
        throw row.error("'\(key)' is no Python list but '\(PythonString.prefix(text, 60))': \(error.reason)")
      }
    }
  }

  private func failure(_ error: TemplateError, _ row: Row) -> EvaluationError {
    row.error("'\(key)': \(error.reason)" + (error.kind == .undefined ? "; \(Row.keys(row.columns))" : ""))
  }
}
