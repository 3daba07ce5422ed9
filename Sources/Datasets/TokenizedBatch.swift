/// Tokenised documents, in the order of the files. A long text comes in several pieces.
struct TokenizedBatch: Sendable {
  struct Piece: Sendable {
    /// Where its tokens end in `tokens`; separators are in the first and the last piece of a document.
    var end: Int
    /// Where it begins, and of which document it is.
    var position: InputPosition
    var isFirst: Bool
    var isLast: Bool
    /// Bytes of its text.
    var textBytes: Int
    /// Nothing but white space.
    var isBlank: Bool
    /// Of the whole document's text, if asked for; with the last piece.
    var hash: TextHash?
  }

  var tokens: [Int32] = []
  var pieces: [Piece] = []
  /// What is wrong with pieces, by their index. They have no tokens.
  var failures: [Int: DatasetError] = [:]
  var end = InputPosition()
  var consumed = 0
}
