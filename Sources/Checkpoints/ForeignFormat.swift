import Files

/// Files that stand where weights are expected, and are something else: what each is, and what to do.
struct ForeignFormat: CustomStringConvertible {
  let description: String

  private static let beginnings: [(bytes: [UInt8], what: String)] = [
    (
      Array("version https://git-lfs".utf8),
      "a Git LFS pointer and not the file it stands for; fetch that with: git lfs pull"
    ),
    (Array("<".utf8), "a web page and not a file of weights; download it again, by the address of the file itself"),
    (Array("GGUF".utf8), "a GGUF file, which is not read; use the model's safetensors"),
    // Little-endian: ggml, ggmf, ggjt.
    (Array("lmgg".utf8), "a GGML file, which is not read; use the model's safetensors"),
    (Array("fmgg".utf8), "a GGML file, which is not read; use the model's safetensors"),
    (Array("tjgg".utf8), "a GGML file, which is not read; use the model's safetensors"),
    ([0x1F, 0x8B], "compressed with gzip; unpack it with gunzip, or tar xzf, first"),
    ([0x28, 0xB5, 0x2F, 0xFD], "compressed with zstd; unpack it with unzstd first"),
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "compressed with xz; unpack it with unxz first"),
    (
      Array("\u{93}NUMPY".unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }),
      "a NumPy array, which is not read; save the tensors as safetensors"
    ),
  ]

  /// Nil for what may be weights.
  init?(_ file: MappedFile) {
    let what: String? = file.withBytes { bytes in
      if let found = ForeignFormat.beginnings.first(where: { bytes.starts(with: $0.bytes) }) { return found.what }
      if bytes.count > 262, bytes[257..<262].elementsEqual("ustar".utf8) {
        return "a tar archive; unpack it with tar xf first"
      }
      // A map of 1 to 15, or more, members whose first key is text.
      if bytes.count > 4,
        (0x81...0x8F).contains(bytes[0]) && (0xA0...0xBF).contains(bytes[1])
          || bytes[0] == 0xDE && (0xA0...0xBF).contains(bytes[3])
      {
        return "a Flax checkpoint (msgpack), which is not read; use the model's safetensors"
      }
      // The end of a table of LevelDB.
      if bytes.count >= 48, bytes.suffix(8).elementsEqual([0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB]) {
        return "the index of a TensorFlow checkpoint, which is not read; use the model's safetensors or tf_model.h5"
      }
      return nil
    }
    guard let what else { return nil }
    description = what
  }
}
