/// A run of documents as they stand in the files: lines of JSON, or text. A long text comes in several pieces.
struct RawBatch: Sendable {
  struct Piece: Sendable {
    var bytes: Range<Int>
    /// Where it begins, and of which document it is.
    var position: InputPosition
    var isFirst: Bool
    var isLast: Bool
    /// Of the whole document's text, if it has several pieces and is to be hashed; with the last one.
    var hash: TextHash?
    /// Why there are no bytes. The rest of the document was passed over, so this is its last piece.
    var failure: DatasetError?
  }

  var bytes: [UInt8] = []
  var pieces: [Piece] = []
  /// Where reading goes on after this batch.
  var end = InputPosition()
  /// Stored bytes of all files taken so far.
  var consumed = 0
}
