/// Text that is not YAML, or is YAML that is not read.
public struct YAMLError: Error, Equatable, CustomStringConvertible, Sendable {
  /// `file:line`, or the file where the line is not known.
  public let location: String
  public let reason: String

  public init(location: String, reason: String) {
    self.location = location
    self.reason = reason
  }

  public var description: String { "\(location): \(reason)" }
}
