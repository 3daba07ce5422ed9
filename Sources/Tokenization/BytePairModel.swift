/// Byte-pair encoding: text that has been prepared becomes tokens, word by word.
final class BytePairModel: Sendable {
  /// How text is cut into words, which are merged on their own.
  enum Splitter: Sendable {
    case pattern(GPT2Pattern)
    case gpt4(GPT4Pattern)
    case starCoder(StarCoderPattern)
    case boundaries(PieceBoundaries)
  }

  private let splitter: Splitter
  private let alphabet: Alphabet
  private let merges: MergeTable
  /// A word that is a token itself is that token, whatever the merges would make of it (`ignore_merges`).
  private let wholeWords: TokenIndex?
  /// The unknown token, if a run of it is written once (`fuse_unk`).
  private let fusedUnknown: Int32?
  /// Symbols from `firstStandIn` on are no tokens, but characters that occur in tokens only: what is written for each.
  private let standIns: [[Int32]]
  private let firstStandIn: Int32

  init(
    splitter: Splitter, alphabet: Alphabet, merges: MergeTable, wholeWords: TokenIndex? = nil,
    fusedUnknown: Int32? = nil, standIns: [[Int32]] = [], firstStandIn: Int32 = .max
  ) {
    self.splitter = splitter
    self.alphabet = alphabet
    self.merges = merges
    self.wholeWords = wholeWords
    self.fusedUnknown = fusedUnknown
    self.standIns = standIns
    self.firstStandIn = firstStandIn
  }

  /// No merge takes place over these two bytes of neighbouring characters, if they end and begin a word for a pattern.
  func keepsApart(_ left: UInt8, _ right: UInt8) -> Bool {
    switch splitter {
    case .pattern, .gpt4, .starCoder: true
    case .boundaries(let boundaries): !boundaries.joins(left, right)
    }
  }

  /// An ASCII character never becomes the unknown token, if that runs together with its neighbours.
  func writes(_ character: UInt8) -> Bool {
    fusedUnknown.map { alphabet.writes(character, unknown: $0) } ?? true
  }

  /// Appends the tokens of a text to the workspace's output.
  func encode(_ text: UnsafeBufferPointer<UInt8>, _ workspace: EncodingWorkspace) {
    var start = 0
    switch splitter {
    case .pattern(let pattern):
      while start < text.count {
        let end = pattern.end(of: start, in: text)
        appendWord(text, start, end, workspace)
        start = end
      }
    case .gpt4(let pattern):
      while start < text.count {
        let end = pattern.end(of: start, in: text)
        appendWord(text, start, end, workspace)
        start = end
      }
    case .starCoder(let pattern):
      while start < text.count {
        let end = pattern.end(of: start, in: text)
        appendWord(text, start, end, workspace)
        start = end
      }
    case .boundaries(let boundaries):
      while start < text.count {
        let end = boundaries.end(of: start, in: text)
        appendWord(text, start, end, workspace)
        start = end
      }
    }
  }

  @inline(__always)
  private func appendWord(
    _ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int, _ workspace: EncodingWorkspace
  ) {
    let count = end - start
    workspace.reserve(count)
    guard count <= WordCache.longestWord else {
      append(merged(UnsafeBufferPointer(rebasing: text[start..<end]), workspace), workspace)
      return
    }
    let key = WordCache.Key(text, start, count: count)
    let slot = workspace.cache.slot(of: key)
    if slot.pointee.key == key {
      workspace.append(slot)
    } else {
      appendNew(UnsafeBufferPointer(rebasing: text[start..<end]), key, slot, workspace)
    }
  }

  /// Appends a word that is not in the cache, and keeps it if its tokens can be copied as they are.
  @inline(never)
  private func appendNew(
    _ word: UnsafeBufferPointer<UInt8>, _ key: WordCache.Key, _ slot: UnsafeMutablePointer<WordCache.Slot>,
    _ workspace: EncodingWorkspace
  ) {
    let tokens = merged(word, workspace)
    append(tokens, workspace)
    guard tokens.count <= WordCache.mostTokens, tokens.allSatisfy({ $0 < firstStandIn && $0 != fusedUnknown }) else {
      return
    }
    slot.pointee.key = key
    slot.pointee.count = UInt8(tokens.count)
    withUnsafeMutableBytes(of: &slot.pointee.tokens) { $0.copyBytes(from: UnsafeRawBufferPointer(tokens)) }
  }

  /// The tokens of a word, stand-ins among them, in the workspace's memory until the next word.
  private func merged(
    _ word: UnsafeBufferPointer<UInt8>, _ workspace: EncodingWorkspace
  ) -> UnsafeBufferPointer<Int32> {
    let symbols = workspace.symbols(word.count)
    if let id = wholeWords?.id(of: word) {
      symbols[0] = id
      return UnsafeBufferPointer(rebasing: symbols[..<1])
    }
    let start = alphabet.appendSymbols(of: word, to: symbols)
    let count = workspace.engine.merge(UnsafeMutableBufferPointer(rebasing: symbols[..<start]), table: merges)
    return UnsafeBufferPointer(rebasing: symbols[..<count])
  }

  private func append(_ tokens: UnsafeBufferPointer<Int32>, _ workspace: EncodingWorkspace) {
    for token in tokens {
      if token >= firstStandIn {
        for id in standIns[Int(token - firstStandIn)] { appendToken(id, workspace) }
      } else {
        appendToken(token, workspace)
      }
    }
  }

  @inline(__always)
  private func appendToken(_ id: Int32, _ workspace: EncodingWorkspace) {
    if id == fusedUnknown { workspace.appendFused(id) } else { workspace.append(id) }
  }
}
