import Files

/// A value in a JSON file together with its place, so that an error can name both.
struct JSONField {
  /// Spelt out only when there is an error.
  indirect enum Place: CustomStringConvertible {
    case file
    case member(Place, String)
    case element(Place, Int)

    var description: String {
      switch self {
      case .file: ""
      case .member(.file, let name): name
      case .member(let parent, let name): "\(parent).\(name)"
      case .element(let parent, let index): "\(parent)[\(index)]"
      }
    }
  }

  let path: String
  let place: Place
  /// nil if there is none.
  let value: JSON?

  private init(_ path: String, _ place: Place, _ value: JSON?) {
    self.path = path
    self.place = place
    self.value = value
  }

  /// The contents of a file.
  init(file path: String) throws {
    do {
      self.init(path, .file, try JSON(contentsOf: path))
    } catch let error as JSONError {
      throw TokenizationError.malformedJSON(path: path, error)
    }
  }

  subscript(name: String) -> JSONField { JSONField(path, .member(place, name), value?[name]) }

  /// Neither absent nor null.
  var isPresent: Bool {
    switch value {
    case nil, .null: false
    default: true
    }
  }

  func members() throws(TokenizationError) -> [(name: String, field: JSONField)] {
    try checkIsObject()
    return (value?.object ?? [:]).map { ($0.key, JSONField(path, .member(place, $0.key), $0.value)) }
  }

  func elements() throws(TokenizationError) -> [JSONField] {
    guard let array = value?.array else { throw mismatch("a list") }
    return array.enumerated().map { JSONField(path, .element(place, $0.offset), $0.element) }
  }

  func string() throws(TokenizationError) -> String {
    guard let string = value?.string else { throw mismatch("a string") }
    return string
  }

  func bytes() throws(TokenizationError) -> [UInt8] { Array(try string().utf8) }

  func integer() throws(TokenizationError) -> Int {
    guard let integer = value?.integer else { throw mismatch("a whole number") }
    return integer
  }

  /// nil for an absent value and for null.
  func bool() throws(TokenizationError) -> Bool? {
    guard isPresent else { return nil }
    guard let bool = value?.bool else { throw mismatch("true or false") }
    return bool
  }

  func bool(absent: Bool) throws(TokenizationError) -> Bool { try bool() ?? absent }

  func checkIsObject() throws(TokenizationError) {
    guard value?.object != nil else { throw mismatch("an object") }
  }

  func mismatch(_ expected: String) -> TokenizationError {
    let found =
      switch value {
      case nil: "nothing"
      case .null: "null"
      case .bool(let value): "\(value)"
      case .integer(let value): "\(value)"
      case .number(let value): "\(value)"
      case .string(let value): "the string '\(String(String.UnicodeScalarView(value.unicodeScalars.prefix(60))))'"
      case .array: "a list"
      case .object: "an object"
      }
    return .unexpected(path: path, key: "\(place)", expected: expected, found: found)
  }
}
