import Files

/// A `tokenizer.model` of SentencePiece: a vocabulary of pieces with scores, and how text is normalised before it is
/// cut into them.
///
/// Source: google/sentencepiece, src/sentencepiece_model.proto; the checks are those of
/// `ModelInterface::InitializePieces`.
struct SentencePieceModel {
  enum Kind: UInt64 {
    case normal = 1
    case unknown
    case control
    case userDefined
    case unused
    case byte
  }

  struct Piece {
    var text: [UInt8] = []
    var score: Float = 0
    var kind = Kind.normal
  }

  /// A piece's id is its place.
  private(set) var pieces: [Piece] = []
  private(set) var unknown = -1
  /// Ids of the pieces that begin and end a text; nil where the model has none.
  private(set) var bos: Int?
  private(set) var eos: Int?
  /// A character without a piece becomes its bytes.
  private(set) var fallsBackToBytes = false
  private(set) var addsSpaceInFront = true
  private(set) var removesExtraSpaces = true
  private(set) var characterMap: CharacterMap?

  /// So that the splits of all pieces can be looked at in time proportional to the file.
  private static let longestPiece = 1024

  private let path: String

  init(path: String) throws {
    let file = try MappedFile(path)
    self.path = path
    try withExtendedLifetime(file) { try read(ProtobufReader(file.bytes, path: path)) }
    try checkPieces()
  }

  /// The id of byte 0, 1, …, 255, empty if there is no byte fallback.
  var byteIDs: [Int32] {
    guard fallsBackToBytes else { return [] }
    var ids = [Int32](repeating: 0, count: 256)
    for (id, piece) in pieces.enumerated() where piece.kind == .byte {
      if let byte = ByteToken.byte(of: piece.text) { ids[Int(byte)] = Int32(id) }
    }
    return ids
  }

  // MARK: - Fields

  private mutating func read(_ message: ProtobufReader) throws(TokenizationError) {
    var message = message
    while let (field, value) = try message.next() {
      switch (field, value) {
      case (1, .bytes(let piece)): pieces.append(try self.piece(piece))
      case (2, .bytes(let trainer)): try readTrainer(trainer)
      case (3, .bytes(let normalizer)): try readNormalizer(normalizer)
      default: continue
      }
    }
  }

  private func piece(_ message: ProtobufReader) throws(TokenizationError) -> Piece {
    var message = message
    var piece = Piece()
    while let (field, value) = try message.next() {
      switch (field, value) {
      case (1, .bytes(let text)): piece.text = Array(text.bytes)
      case (2, .fixed32(let bits)): piece.score = Float(bitPattern: bits)
      case (3, .varint(let raw)):
        guard let kind = Kind(rawValue: raw), kind != .unused else {
          throw invalid("piece \(pieces.count) is of type \(raw), expected 1, 2, 3, 4 or 6")
        }
        piece.kind = kind
      default: continue
      }
    }
    return piece
  }

  private mutating func readTrainer(_ message: ProtobufReader) throws(TokenizationError) {
    var message = message
    var modelType: UInt64 = 1
    // Absent fields have these values; -1 says that there is no such piece.
    var ids: [Int64] = [1, 2]
    while let (field, value) = try message.next() {
      switch (field, value) {
      case (3, .varint(let type)): modelType = type
      case (24, .varint(1...)):
        throw .unsupported(
          path: path, part: "white space", found: "as a suffix", supported: "white space as a prefix")
      case (35, .varint(let flag)): fallsBackToBytes = flag != 0
      case (41, .varint(let id)): ids[0] = Int64(Int32(truncatingIfNeeded: id))
      case (42, .varint(let id)): ids[1] = Int64(Int32(truncatingIfNeeded: id))
      default: continue
      }
    }
    guard modelType == 2 else {
      let name = [1: "Unigram", 3: "Word", 4: "Char"][modelType] ?? "\(modelType)"
      throw .unsupported(path: path, part: "SentencePiece model type", found: name, supported: "BPE")
    }
    bos = ids[0] < 0 ? nil : Int(ids[0])
    eos = ids[1] < 0 ? nil : Int(ids[1])
  }

  private mutating func readNormalizer(_ message: ProtobufReader) throws(TokenizationError) {
    var message = message
    while let (field, value) = try message.next() {
      switch (field, value) {
      case (2, .bytes(let map)):
        if !map.bytes.isEmpty { characterMap = try CharacterMap(map.bytes, path: path) }
      case (3, .varint(let flag)): addsSpaceInFront = flag != 0
      case (4, .varint(let flag)): removesExtraSpaces = flag != 0
      case (5, .varint(0)):
        throw .unsupported(
          path: path, part: "white space", found: "left as it is", supported: "white space escaped as ▁")
      default: continue
      }
    }
  }

  // MARK: - Pieces

  private mutating func checkPieces() throws(TokenizationError) {
    var known: [[UInt8]: Int] = [:]
    var bytes = 0
    for (id, piece) in pieces.enumerated() {
      guard !piece.text.isEmpty else { throw invalid("piece \(id) is empty") }
      guard piece.text.count <= SentencePieceModel.longestPiece else {
        throw invalid("piece \(id) has \(piece.text.count) bytes, expected at most \(SentencePieceModel.longestPiece)")
      }
      guard let text = String(validating: piece.text, as: UTF8.self) else { throw invalid("piece \(id) is not UTF-8") }
      guard !piece.score.isNaN else { throw invalid("the score of piece \(id) is not a number") }
      if let first = known.updateValue(id, forKey: piece.text) {
        throw invalid("pieces \(first) and \(id) are both '\(text)'")
      }
      switch piece.kind {
      case .unknown:
        guard unknown < 0 else {
          throw invalid("pieces \(unknown) and \(id) are both of the type UNKNOWN, expected one")
        }
        unknown = id
      case .byte:
        guard ByteToken.byte(of: piece.text) != nil else {
          throw invalid("piece \(id), '\(text)', is of the type BYTE, expected <0x00> to <0xFF>")
        }
        bytes += 1
      default: continue
      }
    }
    guard unknown >= 0 else { throw invalid("no piece of the type UNKNOWN") }
    guard bytes == (fallsBackToBytes ? 256 : 0) else {
      throw invalid("\(bytes) pieces of the type BYTE, expected \(fallsBackToBytes ? 256 : 0)")
    }
    if let id = bos, !isControl(id) { bos = nil }
    if let id = eos, !isControl(id) { eos = nil }
  }

  private func isControl(_ id: Int) -> Bool { pieces.indices.contains(id) && pieces[id].kind == .control }

  private func invalid(_ reason: String) -> TokenizationError { .invalidModel(path: path, reason: reason) }
}
