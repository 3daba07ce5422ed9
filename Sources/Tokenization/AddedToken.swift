/// A token that is looked for in the text itself, before anything else is done with it.
struct AddedToken: Sendable, Equatable {
  var content: [UInt8]
  var id: Int32
  /// Only between characters that are no part of a word.
  var isSingleWord = false
  /// White space before it belongs to it.
  var stripsLeft = false
  /// White space behind it belongs to it.
  var stripsRight = false
  /// Looked for in the normalised text.
  var isNormalized = false
  /// Left out of decoded text on request.
  var isSpecial = true
}

extension AddedToken {
  /// As long as one may be, in bytes: text is searched in time proportional to this.
  private static let longest = 512

  /// A token of `added_tokens` or `added_tokens_decoder`.
  init(_ field: JSONField, id: Int) throws(TokenizationError) {
    self.init(content: try AddedToken.content(field["content"]), id: try AddedToken.checkedID(id, field))
    isSpecial = try field["special"].bool(absent: false)
    isNormalized = try field["normalized"].bool(absent: !isSpecial)
    try readSides(field)
  }

  /// A special token of the settings: a string, or an object like those of `added_tokens` without an id.
  init(named field: JSONField) throws(TokenizationError) {
    let isObject = field.value?.object != nil
    self.init(content: try AddedToken.content(isObject ? field["content"] : field), id: -1)
    if isObject { try readSides(field) }
  }

  private mutating func readSides(_ field: JSONField) throws(TokenizationError) {
    isSingleWord = try field["single_word"].bool(absent: false)
    stripsLeft = try field["lstrip"].bool(absent: false)
    stripsRight = try field["rstrip"].bool(absent: false)
  }

  private static func content(_ field: JSONField) throws(TokenizationError) -> [UInt8] {
    let content = try field.bytes()
    guard content.count <= longest else { throw field.mismatch("at most \(longest) bytes") }
    return content
  }

  static func checkedID(_ id: Int, _ field: JSONField) throws(TokenizationError) -> Int32 {
    guard let id = Int32(exactly: id), id >= 0 else { throw field.mismatch("an id") }
    return id
  }
}
