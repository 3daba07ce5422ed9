import Files
import Tensors

/// Reads the keys of a Hugging Face config.json, each with its type and range checked.
///
/// `null` counts as absent. Sizes are bounded so that a hostile or damaged file fails here, before any memory is taken.
public struct ConfigurationReader: Sendable {
  /// Bounds of a dimension and of a count of layers: far above any real model, far below an overflow.
  public static let dimensions = 1...(1 << 24)
  public static let layers = 1...1024
  public static let headDimensions = 1...8192

  public let object: JSONObject
  /// The file's name, for messages.
  public let source: String

  public init(_ object: JSONObject, source: String) {
    self.object = object
    self.source = source
  }

  public func has(_ key: String) -> Bool {
    if let value = object[key], value != .null { return true }
    return false
  }

  /// A whole number in `range`; `fallback` when the key is absent, an error without one.
  public func integer(
    _ key: String, default fallback: Int? = nil, in range: ClosedRange<Int> = dimensions
  ) throws(ModelError) -> Int {
    guard has(key), let value = object[key] else {
      guard let fallback else { throw .missingKey(source: source, key: key) }
      return fallback
    }
    guard case .integer(let found) = value, let integer = Int(exactly: found), range.contains(integer) else {
      throw invalid(key, "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return integer
  }

  /// A finite number above 0.
  public func positive(_ key: String, default fallback: Double? = nil) throws(ModelError) -> Double {
    guard has(key), let value = object[key] else {
      guard let fallback else { throw .missingKey(source: source, key: key) }
      return fallback
    }
    guard let number = value.double, number > 0, number.isFinite, Float(number) > 0, Float(number).isFinite else {
      throw invalid(key, "a finite number above 0")
    }
    return number
  }

  public func bool(_ key: String, default fallback: Bool) throws(ModelError) -> Bool {
    guard has(key) else { return fallback }
    guard let value = object[key]?.bool else { throw invalid(key, "true or false") }
    return value
  }

  public func string(_ key: String, default fallback: String? = nil) throws(ModelError) -> String {
    guard has(key) else {
      guard let fallback else { throw .missingKey(source: source, key: key) }
      return fallback
    }
    guard let value = object[key]?.string else { throw invalid(key, "a string") }
    return value
  }

  /// An object under `key`, to be read in the same way; nil when absent.
  public func section(_ key: String) throws(ModelError) -> ConfigurationReader? {
    guard has(key) else { return nil }
    guard let section = object[key]?.object else { throw invalid(key, "an object") }
    return ConfigurationReader(section, source: "\(source): \(key)")
  }

  /// The error for a key whose value is not what it must be.
  public func invalid(_ key: String, _ expected: String) -> ModelError {
    let found = object[key]?.serialized() ?? "absent"
    return .invalidValue(
      source: source, key: key, expected: expected, found: found.count > 60 ? "\(found.prefix(60))…" : found)
  }

  /// The activation that a Hugging Face name (`transformers.activations.ACT2FN`) stands for.
  func activation(_ key: String, default fallback: String, among known: [String: Activation]) throws(ModelError)
    -> Activation
  {
    let name = try string(key, default: fallback)
    guard let activation = known[name] else {
      throw invalid(key, "one of \(known.keys.sorted().joined(separator: ", "))")
    }
    return activation
  }
}
