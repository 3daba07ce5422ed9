/// A Jinja template, read once and rendered for each row, with the semantics of Jinja 3.1 as lm-evaluation-harness sets
/// it up: an undefined name is an error, a newline at the end is kept, nothing is escaped.
///
/// Macros, blocks and inclusion are not supported, nor what changes a list or a dict in place.
public struct Template: Sendable {
  public let source: String
  private let statements: [Statement]

  /// - Throws: `TemplateError` with the line for what is not a template, or is one that this program cannot render.
  public init(_ source: String) throws(TemplateError) {
    self.source = source
    statements = try TemplateParser.statements(of: source)
  }

  /// The text for a row's columns.
  /// - Throws: `TemplateError` with the line for a name that is not there, for whatever Python would refuse, and for a
  ///   rendering that takes too much time or memory.
  public func render(_ variables: PythonDictionary) throws(TemplateError) -> String {
    var renderer = Renderer(variables: variables)
    return try renderer.text(of: statements)
  }

  /// The value itself if the template is exactly one `{{ expression }}`, otherwise the rendered text.
  /// - Throws: as `render`.
  public func value(_ variables: PythonDictionary) throws(TemplateError) -> PythonValue {
    guard statements.count == 1, case .output(let expression, let line) = statements[0] else {
      return .string(try render(variables))
    }
    var renderer = Renderer(variables: variables)
    return try renderer.value(of: expression, line: line)
  }
}
