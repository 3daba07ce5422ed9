/// The symbols that a word is merged from.
enum Alphabet: Sendable {
  /// Byte-level: the token of each byte, -1 for a byte that has none.
  case bytes([Int32])
  case characters(Characters)

  struct Characters: Sendable {
    /// Of all tokens; a character's own token begins the merging.
    let index: TokenIndex
    /// The tokens of bytes 0 to 255 for a character without a token, -1 for none; empty without byte fallback.
    let bytes: [Int32]
    /// For a character that has neither; nil leaves the character out.
    let unknown: Int32?
    /// The tokens of ASCII, -1 for none.
    private let ascii: [Int32]

    init(index: TokenIndex, bytes: [Int32], unknown: Int32?) {
      self.index = index
      self.bytes = bytes
      self.unknown = unknown
      ascii = (0..<128).map { index.id(of: [UInt8($0)]) ?? -1 }
    }

    fileprivate func writes(_ character: UInt8) -> Bool {
      ascii[Int(character)] >= 0 || !bytes.isEmpty && bytes[Int(character)] >= 0
    }

    fileprivate func appendSymbols(
      of word: UnsafeBufferPointer<UInt8>, to symbols: UnsafeMutableBufferPointer<Int32>
    ) -> Int {
      var count = 0
      var at = 0
      while at < word.count {
        if word[at] < 0x80, ascii[Int(word[at])] >= 0 {
          symbols[count] = ascii[Int(word[at])]
          count += 1
          at += 1
          continue
        }
        let character = UnsafeBufferPointer(rebasing: word[at..<at + UTF8Scalar(in: word, at: at).length])
        at += character.count
        if let id = index.id(of: character) {
          symbols[count] = id
          count += 1
        } else if !bytes.isEmpty, character.allSatisfy({ bytes[Int($0)] >= 0 }) {
          for byte in character {
            symbols[count] = bytes[Int(byte)]
            count += 1
          }
        } else if let unknown {
          symbols[count] = unknown
          count += 1
        }
      }
      return count
    }
  }

  /// An ASCII character has a symbol that is not the unknown token.
  func writes(_ character: UInt8, unknown: Int32) -> Bool {
    switch self {
    case .bytes(let ids): ids[Int(character)] >= 0 && ids[Int(character)] != unknown
    case .characters(let characters): characters.writes(character)
    }
  }

  /// Writes a word's symbols and returns how many there are.
  /// - Parameter symbols: room for as many as `word` has bytes.
  func appendSymbols(of word: UnsafeBufferPointer<UInt8>, to symbols: UnsafeMutableBufferPointer<Int32>) -> Int {
    switch self {
    case .characters(let characters): return characters.appendSymbols(of: word, to: symbols)
    case .bytes(let ids):
      var count = 0
      for byte in word where ids[Int(byte)] >= 0 {
        symbols[count] = ids[Int(byte)]
        count += 1
      }
      return count
    }
  }
}
