/// What one rendering may still do. Whatever a template or a row says, it ends within seconds and a few hundred
/// megabytes: every statement, operation and element costs a step, and so do the bytes of every text that is made.
struct Budget {
  /// The size that no text may exceed, in bytes.
  static let textLimit = 64 << 20
  /// As deep as lists and dicts that a template makes may nest.
  static let depthLimit = 200

  private static let stepLimit = 10_000_000
  private static let bytesPerStep = 8
  private static let stepsPerElement = 4

  private var steps = Budget.stepLimit

  mutating func spend(_ count: Int = 1) throws(TemplateError) {
    guard count <= steps else { throw TemplateError(.limit, "the template does too much work on this row") }
    steps -= count
  }

  /// For a text that is made or gone through.
  mutating func spend(bytes: Int) throws(TemplateError) {
    guard bytes <= Budget.textLimit else { throw Budget.textTooLong }
    try spend(1 + bytes / Budget.bytesPerStep)
  }

  /// Adds to a text that is being made.
  mutating func append(_ piece: String, to text: inout String) throws(TemplateError) {
    try spend(bytes: piece.utf8.count)
    guard text.utf8.count + piece.utf8.count <= Budget.textLimit else { throw Budget.textTooLong }
    text += piece
  }

  /// For a list that is made or gone through.
  mutating func spend(elements: Int) throws(TemplateError) {
    guard elements <= steps / Budget.stepsPerElement else {
      throw TemplateError(.limit, "the template makes lists that are too long")
    }
    try spend(1 + elements * Budget.stepsPerElement)
  }

  /// For a value and all that it holds, as often as it holds it: a list that holds another one twice costs it twice.
  mutating func spend(whole value: PythonValue, depth: Int = 0) throws(TemplateError) {
    guard depth <= Budget.depthLimit else {
      throw TemplateError(.limit, "lists nest more than \(Budget.depthLimit) deep")
    }
    switch value {
    case .string(let text): try spend(bytes: text.utf8.count)
    case .list(let values), .tuple(let values):
      try spend(elements: values.count)
      for value in values { try spend(whole: value, depth: depth + 1) }
    case .dictionary(let members):
      try spend(elements: members.count)
      for member in members {
        try spend(whole: member.key, depth: depth + 1)
        try spend(whole: member.value, depth: depth + 1)
      }
    default: try spend()
    }
  }

  private static var textTooLong: TemplateError {
    TemplateError(.limit, "a text of more than \(textLimit >> 20) MiB")
  }
}
