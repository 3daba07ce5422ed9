/// The merges of a byte-level or LLaMA-type vocabulary, in the order of their rank, as rules between ids.
struct MergeList {
  private(set) var rules: [MergeTable.Rule] = []
  private let tokens: TokenList
  private let path: String

  init(_ tokens: TokenList, path: String) {
    self.tokens = tokens
    self.path = path
  }

  mutating func append(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) throws(TokenizationError) {
    let (left, right) = (Array(left), Array(right))
    rules.append(
      MergeTable.Rule(
        left: try id(left), right: try id(right), rank: UInt32(rules.count), result: try id(left + right)))
  }

  /// Two tokens with one space between them. Nil if that is not what it is.
  mutating func append(_ line: ArraySlice<UInt8>) throws(TokenizationError) -> Bool {
    let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return false }
    try append(parts[0], parts[1])
    return true
  }

  private func id(_ token: [UInt8]) throws(TokenizationError) -> Int32 {
    guard let id = tokens.index.id(of: token) else {
      throw .mergeOutsideVocabulary(
        path: path, merge: rules.count, token: String(decoding: token, as: UTF8.self))
    }
    return id
  }
}

extension MergeList {
  /// Reads merges.txt: a merge a line, after a line that tells the version.
  mutating func read(_ file: UnsafeRawBufferPointer) throws(TokenizationError) {
    for (number, line) in file.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      var line = Array(line)
      if line.last == UInt8(ascii: "\r") { line.removeLast() }
      if line.isEmpty || line.starts(with: "#version".utf8) { continue }
      guard try append(line[...]) else { throw .malformedMerge(path: path, line: number + 1) }
    }
  }

  /// Reads `model.merges` of a tokenizer.json: strings `a b`, or lists of two.
  mutating func read(_ field: JSONField) throws(TokenizationError) {
    for merge in try field.elements() {
      if merge.value?.array != nil {
        let parts = try merge.elements()
        guard parts.count == 2 else { throw merge.mismatch("two tokens") }
        try append(parts[0].bytes()[...], parts[1].bytes()[...])
      } else if try !append(merge.bytes()[...]) {
        throw merge.mismatch("two tokens with one space between them")
      }
    }
  }
}
