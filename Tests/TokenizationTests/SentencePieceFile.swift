/// Writes a SentencePiece model, field by field.
struct SentencePieceFile {
  enum Kind: UInt8 {
    case normal = 1
    case unknown, control, userDefined, unused, byte
  }

  var pieces: [(text: String, score: Float, kind: Kind)] = [
    ("<unk>", 0, .unknown), ("<s>", 0, .control), ("</s>", 0, .control),
  ]
  var modelType: UInt8 = 2
  var fallsBackToBytes = false
  var addsSpaceInFront = true
  var removesExtraSpaces = false

  /// Adds pieces with falling scores.
  mutating func add(_ texts: [String]) {
    for text in texts { pieces.append((text, -Float(pieces.count), .normal)) }
  }

  mutating func addBytes() {
    fallsBackToBytes = true
    for byte in 0..<256 {
      let digits = String(byte, radix: 16, uppercase: true)
      pieces.append(("<0x\(digits.count == 1 ? "0" : "")\(digits)>", 0, .byte))
    }
  }

  var bytes: [UInt8] {
    var file: [UInt8] = []
    for piece in pieces {
      let score = withUnsafeBytes(of: piece.score.bitPattern.littleEndian) { Array($0) }
      file += field(1, field(1, Array(piece.text.utf8)) + [2 << 3 | 5] + score + [3 << 3, piece.kind.rawValue])
    }
    file += field(2, [3 << 3, modelType] + varint(35 << 3) + [fallsBackToBytes ? 1 : 0])
    file += field(3, [3 << 3, addsSpaceInFront ? 1 : 0, 4 << 3, removesExtraSpaces ? 1 : 0])
    return file
  }

  private func field(_ number: UInt8, _ contents: [UInt8]) -> [UInt8] {
    [number << 3 | 2] + varint(contents.count) + contents
  }

  private func varint(_ value: Int) -> [UInt8] {
    var value = value
    var bytes: [UInt8] = []
    while value >= 128 {
      bytes.append(UInt8(value & 127) | 128)
      value >>= 7
    }
    return bytes + [UInt8(value)]
  }
}
