/// An expression of a template. Chains of operators, of `and` and `or` and of what follows a value are flat, so that an
/// expression nests only as deep as its brackets.
indirect enum Expression: Sendable {
  case constant(PythonValue)
  case name(String)
  case list([Expression])
  case tuple([Expression])
  case dictionary([(key: Expression, value: Expression)])
  /// A value, and what is done to it step by step: `row.choices[0]|upper`.
  case steps(Expression, [Step])
  case negative(Expression)
  case positive(Expression)
  case arithmetic(Expression, [(operation: ArithmeticOperator, operand: Expression)])
  /// `a ~ b ~ c`
  case concatenation([Expression])
  case comparison(Expression, [(operation: ComparisonOperator, operand: Expression)])
  case not(Expression)
  case and([Expression])
  case or([Expression])
  /// `a if test else b`
  case conditional(Expression, test: Expression, otherwise: Expression?)

  enum Step: Sendable {
    /// `.name`
    case attribute(String)
    /// `[item]`
    case item(Expression)
    /// `[start:stop:step]`
    case slice(Expression?, Expression?, Expression?)
    /// `(…)`
    case call(ArgumentList)
    /// `|filter(…)`
    case filter(Filter, ArgumentList)
    /// `is test(…)`
    case test(Test, ArgumentList, isNegated: Bool)
  }
}

struct ArgumentList: Sendable {
  var positional: [Expression] = []
  var keywords: [(name: String, value: Expression)] = []
}

enum ArithmeticOperator: String, Sendable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case floorDivide = "//"
  case modulo = "%"
  case power = "**"
}

enum ComparisonOperator: Sendable {
  case equal, notEqual, contained, notContained
  case ordered(PythonValue.Comparison)
}
