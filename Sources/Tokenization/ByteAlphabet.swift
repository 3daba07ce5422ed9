/// The characters in which byte-level vocabularies write bytes: those that print stand for themselves, the others for
/// U+0100 on.
///
/// Source: openai/gpt-2, src/encoder.py (`bytes_to_unicode`).
enum ByteAlphabet {
  /// Byte by scalar value, for scalars below `limit`.
  private static let bytes: [UInt8?] = {
    var bytes = [UInt8?](repeating: nil, count: 256 + 68)
    var next = 256
    for byte in UInt8.min...UInt8.max {
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: bytes[Int(byte)] = byte
      default:
        bytes[next] = byte
        next += 1
      }
    }
    return bytes
  }()

  /// The bytes that a token stands for; nil if it holds a character that stands for none.
  static func bytes(of token: [UInt8]) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(token.count)
    let isWritten = token.withUnsafeBufferPointer { token in
      var at = 0
      while at < token.count {
        let scalar = UTF8Scalar(in: token, at: at)
        guard Int(scalar.value) < bytes.count, let byte = bytes[Int(scalar.value)] else { return false }
        result.append(byte)
        at += scalar.length
      }
      return true
    }
    return isWritten ? result : nil
  }
}
