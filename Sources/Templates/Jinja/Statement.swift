/// A piece of a template that is rendered by itself.
indirect enum Statement: Sendable {
  case text(String)
  /// `{{ expression }}`
  case output(Expression, line: Int)
  /// `{% if %}` and each `{% elif %}`, then `{% else %}`.
  case conditional([(test: Expression, line: Int, body: [Statement])], otherwise: [Statement])
  case loop(Loop, line: Int)
  /// `{% set target = expression %}`
  case assignment(Target, Expression, line: Int)
  /// `{% set target | filter %}…{% endset %}`
  case capture(Target, [Expression.Step], body: [Statement], line: Int)
  /// `{% with a = 1 %}…{% endwith %}`
  case scope([(target: Target, value: Expression)], body: [Statement], line: Int)
  /// `{% filter upper %}…{% endfilter %}`
  case filtered([Expression.Step], body: [Statement], line: Int)

  struct Loop: Sendable {
    let target: Target
    let elements: Expression
    /// Which elements are looped over.
    let test: Expression?
    let body: [Statement]
    /// Rendered if there are none.
    let otherwise: [Statement]
    /// The body says `loop`.
    let usesLoop: Bool
  }
}

/// What a value is assigned to.
indirect enum Target: Sendable {
  case name(String)
  case tuple([Target])
  /// An attribute of a namespace.
  case attribute(of: String, String)
}
