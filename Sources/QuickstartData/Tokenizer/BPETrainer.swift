/// Learns the merges of a byte-level BPE (Sennrich et al. 2016; bytes as in GPT-2): again and again the most frequent pair of
/// neighbouring tokens becomes a token. Of equally frequent pairs the one with the larger bytes wins, left before right, so
/// the result depends on the word counts alone.
public struct BPETrainer {
  /// Two neighbouring token ids.
  struct Pair: Hashable {
    var left: Int32
    var right: Int32
  }

  private struct Word {
    var tokens: [Int32]
    let count: Int
  }

  /// The bytes of each token; the first 256 are single bytes.
  private(set) var tokens: [[UInt8]] = ByteUnicode.orderedBytes.map { [$0] }
  private(set) var merges: [Pair] = []

  private var words: [Word]
  private var counts: [Pair: Int] = [:]
  /// Where a pair occurs, or once occurred: indices into `words`.
  private var places: [Pair: Set<Int>] = [:]

  init(_ wordCounts: [[UInt8]: Int]) {
    var idOfByte = [Int32](repeating: 0, count: 256)
    for (id, byte) in ByteUnicode.orderedBytes.enumerated() { idOfByte[Int(byte)] = Int32(id) }
    words = wordCounts.map { bytes, count in Word(tokens: bytes.map { idOfByte[Int($0)] }, count: count) }
    for index in words.indices { add(wordAt: index, times: 1) }
  }

  /// Adds merges until there are `tokenCount` tokens, or no pair occurs twice.
  mutating func train(tokenCount: Int) {
    while tokens.count < tokenCount, let best = mostFrequentPair() { merge(best) }
  }

  private func mostFrequentPair() -> Pair? {
    var best: (pair: Pair, count: Int)?
    for (pair, count) in counts where count > 1 {
      if let current = best, count < current.count || count == current.count && !precedes(current.pair, pair) {
        continue
      }
      best = (pair, count)
    }
    return best?.pair
  }

  private func precedes(_ first: Pair, _ second: Pair) -> Bool {
    if first.left != second.left {
      return tokens[Int(first.left)].lexicographicallyPrecedes(tokens[Int(second.left)])
    }
    return tokens[Int(first.right)].lexicographicallyPrecedes(tokens[Int(second.right)])
  }

  private mutating func merge(_ pair: Pair) {
    let id = Int32(tokens.count)
    tokens.append(tokens[Int(pair.left)] + tokens[Int(pair.right)])
    merges.append(pair)
    for index in places[pair, default: []] {
      add(wordAt: index, times: -1)
      words[index].tokens = Self.replacing(pair, by: id, in: words[index].tokens)
      add(wordAt: index, times: 1)
    }
    counts[pair] = nil
    places[pair] = nil
  }

  private static func replacing(_ pair: Pair, by id: Int32, in tokens: [Int32]) -> [Int32] {
    var result: [Int32] = []
    result.reserveCapacity(tokens.count)
    var index = 0
    while index < tokens.count {
      if index + 1 < tokens.count, tokens[index] == pair.left, tokens[index + 1] == pair.right {
        result.append(id)
        index += 2
      } else {
        result.append(tokens[index])
        index += 1
      }
    }
    return result
  }

  /// Counts the pairs of a word, or takes them away again.
  private mutating func add(wordAt index: Int, times sign: Int) {
    let word = words[index]
    for (left, right) in zip(word.tokens, word.tokens.dropFirst()) {
      let pair = Pair(left: left, right: right)
      counts[pair, default: 0] += sign * word.count
      if sign > 0 { places[pair, default: []].insert(index) }
    }
  }
}
