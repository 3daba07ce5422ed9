/// Part of a sentence, some of whose words follow from a fact told earlier:
///
///     "\(name) was at the \(place, .place, told: sentence)"
struct Clause: ExpressibleByStringInterpolation {
  enum Piece {
    case words(String)
    /// Words that the fact of sentence `told` decides. In that sentence itself they are only words.
    case recall(String, Category, told: Int)
  }

  let pieces: [Piece]

  init(stringLiteral words: String) { pieces = [.words(words)] }

  init(stringInterpolation interpolation: StringInterpolation) { pieces = interpolation.pieces }

  struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var pieces: [Piece] = []

    init(literalCapacity: Int, interpolationCount: Int) {}

    mutating func appendLiteral(_ words: String) { pieces.append(.words(words)) }

    mutating func appendInterpolation(_ words: String) { pieces.append(.words(words)) }

    mutating func appendInterpolation(_ answer: String, _ category: Category, told: Int) {
      pieces.append(.recall(answer, category, told: told))
    }

    mutating func appendInterpolation(_ clause: Clause) { pieces += clause.pieces }
  }
}
