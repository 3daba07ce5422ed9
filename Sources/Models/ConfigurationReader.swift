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

  /// - Throws: `FileError`; `ModelError.malformedConfiguration` for what is no JSON object.
  init(contentsOf path: String) throws {
    let root: JSON
    do { root = try JSON(contentsOf: path) } catch let error as JSONError {
      throw ModelError.malformedConfiguration(source: path, reason: "not JSON: \(error)")
    }
    guard let object = root.object else {
      throw ModelError.malformedConfiguration(source: path, reason: "expected a JSON object")
    }
    self.init(object, source: path)
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

  /// As `integer`, where `null` says that there is none: nil. An absent key is `absent`.
  public func integerOrNull(
    _ key: String, absent: Int?, in range: ClosedRange<Int> = dimensions
  ) throws(ModelError) -> Int? {
    guard let value = object[key] else { return absent }
    return value == .null ? nil : try integer(key, in: range)
  }

  /// As `positive`, where `null` says that there is none: nil. An absent key is `absent`.
  public func positiveOrNull(_ key: String, absent: Double?) throws(ModelError) -> Double? {
    guard let value = object[key] else { return absent }
    return value == .null ? nil : try positive(key)
  }

  /// A list of strings; nil when absent.
  public func strings(_ key: String) throws(ModelError) -> [String]? {
    guard has(key) else { return nil }
    let strings = object[key]?.array?.compactMap(\.string)
    guard let strings, strings.count == object[key]?.array?.count else { throw invalid(key, "a list of strings") }
    return strings
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

  /// Refuses a switch that changes the computation in a way that is not supported.
  /// - Parameter supported: the only value that is; also that of an absent key.
  public func refuse(_ key: String, unless supported: Bool) throws(ModelError) {
    guard try bool(key, default: supported) == supported else {
      throw invalid(key, "\(supported): the other is not supported")
    }
  }

  /// Refuses a setting that changes the computation in a way that is not supported, whatever its value.
  public func refuse(_ key: String) throws(ModelError) {
    guard !has(key) else { throw invalid(key, "null: this setting is not supported") }
  }

  /// The token of `pad_token_id`, whose row of the embedding transformers does not train (PyTorch's `padding_idx`); nil when
  /// there is none in the vocabulary. Counted from the end below 0.
  /// - Parameter absent: the token when there is no such key.
  public func paddingToken(absent: Int? = nil, vocabularySize: Int) throws(ModelError) -> Int? {
    guard let token = try integerOrNull("pad_token_id", absent: absent, in: Int.min...Int.max) else { return nil }
    guard (-vocabularySize..<vocabularySize).contains(token) else { return nil }
    return token < 0 ? token + vocabularySize : token
  }

  /// The error for a key whose value is not what it must be.
  public func invalid(_ key: String, _ expected: String) -> ModelError {
    let found = object[key]?.serialized() ?? "absent"
    return .invalidValue(
      source: source, key: key, expected: expected, found: found.count > 60 ? "\(found.prefix(60))…" : found)
  }

  /// Hugging Face's names of activations (`transformers.activations.ACT2FN`).
  private static let activations: [String: Activation] = [
    "gelu": .geluErf, "gelu_fast": .geluTanh, "gelu_new": .geluTanh, "gelu_pytorch_tanh": .geluTanh, "relu": .relu,
    "silu": .silu, "swish": .silu,
  ]

  public func activation(_ key: String, default fallback: String) throws(ModelError) -> Activation {
    let name = try string(key, default: fallback)
    guard let activation = Self.activations[name] else {
      throw invalid(key, "one of \(Self.activations.keys.sorted().joined(separator: ", "))")
    }
    return activation
  }
}
