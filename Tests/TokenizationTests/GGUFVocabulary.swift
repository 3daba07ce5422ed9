import Files

/// The vocabulary of a GGUF file (ggml-org/ggml, docs/gguf.md), for llama.cpp's reference files.
struct GGUFVocabulary {
  private(set) var tokens: [String] = []
  private(set) var scores: [Float] = []
  private(set) var kinds: [UInt8] = []

  init(path: String) throws {
    let file = try MappedFile(path)
    var at = 0
    func number<T: FixedWidthInteger>(_ type: T.Type) -> T {
      defer { at += MemoryLayout<T>.size }
      return T(littleEndian: file.bytes.loadUnaligned(fromByteOffset: at, as: type))
    }
    func string() -> String {
      let count = Int(number(UInt64.self))
      defer { at += count }
      return String(decoding: UnsafeRawBufferPointer(rebasing: file.bytes[at..<at + count]), as: UTF8.self)
    }
    let sizes: [UInt32: Int] = [0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8]
    at = 16  // magic, version, number of tensors
    for _ in 0..<number(UInt64.self) {
      let key = string()
      switch number(UInt32.self) {
      case 8: _ = string()
      case 9:
        let element = number(UInt32.self)
        for _ in 0..<number(UInt64.self) {
          switch key {
          case "tokenizer.ggml.tokens": tokens.append(string())
          case "tokenizer.ggml.scores": scores.append(Float(bitPattern: number(UInt32.self)))
          case "tokenizer.ggml.token_type": kinds.append(UInt8(number(UInt32.self)))
          case _ where element == 8: _ = string()
          default: at += sizes[element] ?? 0
          }
        }
      case let scalar: at += sizes[scalar] ?? 0
      }
    }
  }
}
