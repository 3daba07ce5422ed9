import ModelChecks
import TestSupport
import Testing

extension Golden: CustomTestStringConvertible {
  static let all = names.map(Golden.init(name:))

  init(name: String) { self.init(name, in: Shared.path("goldens/models")) }

  public var testDescription: String { description }
}
