/// GPT-2's printable stand-ins for bytes (openai/gpt-2, `encoder.py`, `bytes_to_unicode`): printable bytes stand for themselves,
/// the others for U+0100 and up. The order is that of the first 256 ids.
enum ByteUnicode {
  static let orderedBytes: [UInt8] = printable + (0...255).filter { !printable.contains($0) }

  private static let printable: [UInt8] = Array(33...126) + Array(161...172) + Array(174...255)

  private static let scalars: [Unicode.Scalar] = {
    var scalars = [Unicode.Scalar](repeating: "\0", count: 256)
    for (rank, byte) in orderedBytes.enumerated() {
      // Both ranges are far from the surrogates.
      let value = rank < printable.count ? UInt32(byte) : 256 + UInt32(rank - printable.count)
      scalars[Int(byte)] = Unicode.Scalar(value) ?? "\0"
    }
    return scalars
  }()

  static func text(of bytes: [UInt8]) -> String {
    var text = String.UnicodeScalarView()
    for byte in bytes { text.append(scalars[Int(byte)]) }
    return String(text)
  }
}
