/// What can go wrong with a template, a Python literal or a value in them. One line; the caller adds the file.
public struct TemplateError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Kind: Sendable, Equatable {
    /// The text is not what the language allows.
    case syntax
    /// Jinja or Python has it, this program does not.
    case unsupported
    /// A name, an attribute or an item that is not there.
    case undefined
    /// An operation on values of the wrong type.
    case type
    /// An operation on values of the right type that has no result: a division by zero, a substring not found.
    case value
    /// Nesting, size or work beyond what is allowed.
    case limit
  }

  public let kind: Kind
  /// The line, from 1, where it is known.
  public internal(set) var line: Int?
  public let reason: String

  init(_ kind: Kind, _ reason: String, line: Int? = nil) {
    self.kind = kind
    self.line = line
    self.reason = reason
  }

  public var description: String { line.map { "line \($0): \(reason)" } ?? reason }
}
