/// The tokens of a vocabulary file by their ids.
struct TokenList {
  let path: String
  /// As they are written in the file; nil where an id has no token.
  private(set) var names: [[UInt8]?] = []
  private(set) var index = TokenIndex([])

  /// - Parameter tokens: pairs of a token and its id.
  init(path: String, _ tokens: [(token: [UInt8], id: Int)]) throws(TokenizationError) {
    self.path = path
    let limit = TokenList.limit(tokens.count)
    for (token, id) in tokens {
      try TokenList.check(id, of: token, limit: limit, path: path)
      if id >= names.count { names += Array(repeating: nil, count: id + 1 - names.count) }
      if let first = names[id] {
        throw .idTakenTwice(path: path, id: id, first: text(first), second: text(token))
      }
      names[id] = token
    }
    index = TokenIndex(tokens.map { (token: $0.token, id: Int32($0.id)) })
  }

  /// Ids may have gaps, but tables by id must not be out of proportion to the file.
  private static func limit(_ count: Int) -> Int { 4 * count + 65536 }

  static func check(_ id: Int, of token: [UInt8], limit: Int, path: String) throws(TokenizationError) {
    guard (0..<limit).contains(id) else {
      throw .idOutOfRange(path: path, token: String(decoding: token, as: UTF8.self), id: id, limit: limit)
    }
  }

  func name(of id: Int32) -> [UInt8]? { id >= 0 && Int(id) < names.count ? names[Int(id)] : nil }

  /// The limit for the ids of tokens that are added to these.
  var limitForAdded: Int { TokenList.limit(names.count) }

  private func text(_ token: [UInt8]) -> String { String(decoding: token, as: UTF8.self) }
}
