/// A JSON value. Objects keep the order of their keys, and whole numbers stay whole.
public enum JSON: Sendable {
  case null
  case bool(Bool)
  /// A number without fraction and exponent that fits.
  case integer(Int64)
  /// Any other number; NaN and the infinities too, which Python's json module reads and writes.
  case number(Double)
  case string(String)
  case array([JSON])
  case object(JSONObject)

  /// As deep as arrays and objects may nest.
  public static let depthLimit = 128

  /// What to do with a key that an object has twice.
  public enum DuplicateKeys: Sendable {
    /// The last one counts, as in Python.
    case lastWins
    case refused
  }

  /// Reads one value as RFC 8259 has it, and Python's NaN, Infinity and -Infinity. Text must be UTF-8; half a surrogate
  /// pair is refused.
  public init(parsing bytes: UnsafeRawBufferPointer, duplicateKeys: DuplicateKeys = .lastWins) throws(JSONError) {
    var parser = JSONParser(bytes.bindMemory(to: UInt8.self), duplicateKeys: duplicateKeys)
    self = try parser.parse()
  }

  public init(parsing text: String) throws(JSONError) {
    var text = text
    let result: Result<JSON, JSONError> = text.withUTF8 { utf8 in
      do throws(JSONError) { return .success(try JSON(parsing: UnsafeRawBufferPointer(utf8))) } catch {
        return .failure(error)
      }
    }
    self = try result.get()
  }
}

extension JSON {
  /// Reads a file that holds one value.
  /// - Throws: `FileError`, `JSONError`.
  public init(contentsOf path: String, duplicateKeys: DuplicateKeys = .lastWins) throws {
    self = try MappedFile(path).withBytes { bytes in try JSON(parsing: bytes, duplicateKeys: duplicateKeys) }
  }
}

extension JSON {
  /// The value under a key, if this is an object that has it.
  public subscript(key: String) -> JSON? { object?[key] }

  public var string: String? { if case .string(let value) = self { value } else { nil } }
  public var integer: Int? { if case .integer(let value) = self { Int(value) } else { nil } }
  /// Of a whole number too.
  public var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  public var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
  public var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
}

extension JSON: Equatable {
  /// Strings are equal if their bytes are, unlike Swift's, which compares them after Unicode normalisation.
  public static func == (a: JSON, b: JSON) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.integer(let a), .integer(let b)): a == b
    case (.number(let a), .number(let b)): a == b
    case (.string(let a), .string(let b)): ExactString(a) == ExactString(b)
    case (.array(let a), .array(let b)): a == b
    case (.object(let a), .object(let b)): a == b
    default: false
    }
  }
}
