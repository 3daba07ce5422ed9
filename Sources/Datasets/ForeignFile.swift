/// Files that stand where token files are expected, and are something else.
enum ForeignFile {
  /// What a file is that begins with these bytes, and what to do; nil for what may be ids. A raw token file may begin with
  /// any bytes: only what hardly ever does is named here.
  static func kind(of bytes: UnsafeRawBufferPointer) -> String? {
    if let known = beginnings.first(where: { bytes.starts(with: $0.bytes) }) { return known.what }
    if isSafetensors(bytes) { return "a safetensors file, which holds tensors and not token ids" }
    if isGzip(bytes) { return "compressed with gzip; unpack it with gunzip first" }
    return nil
  }

  private static let beginnings: [(bytes: [UInt8], what: String)] = [
    (
      [0x93] + Array("NUMPY".utf8),
      "a NumPy array; write its ids without the header: np.load(FILE).astype(np.uint16).tofile('train.bin')"
    ),
    (
      [0x50, 0x4B, 0x03, 0x04],
      "a zip archive (.npz, PyTorch's .pt), which is not read; write the ids as raw uint16: array.tofile('train.bin')"
    ),
    ([0x28, 0xB5, 0x2F, 0xFD], "compressed with zstd; unpack it with unzstd first"),
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "compressed with xz; unpack it with unxz first"),
    (
      Array("version https://git-lfs".utf8),
      "a Git LFS pointer and not the file it stands for; git lfs pull fetches that"
    ),
    (Array("<!DOCTYPE".utf8), "a web page; download the file by its own address"),
    (Array("<html".utf8), "a web page; download the file by its own address"),
    (Array("MMIDIDX\0\0".utf8), "the index of a Megatron dataset; the ids are in the .bin beside it"),
    (Array("ARROW1\0\0".utf8), "an Arrow file; write its text as JSON lines, and prepare that"),
    (Array("PAR1".utf8), "a Parquet file; write its text as JSON lines, and prepare that"),
    (Array("GGUF".utf8), "a GGUF file, which holds a model and not token ids"),
  ]

  /// The length of a JSON object, and its beginning.
  private static func isSafetensors(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count > 10, bytes[8] == UInt8(ascii: "{"), bytes[9] == UInt8(ascii: "\"") else { return false }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    return length >= 2 && length <= UInt64(bytes.count - 8)
  }

  /// The two magic bytes are GPT-2's token 35615, so the rest of the header counts too: method, flags, level and system
  /// (RFC 1952).
  private static func isGzip(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.count >= 18 && bytes.starts(with: [0x1F, 0x8B, 8]) && bytes[3] < 32 && [0, 2, 4].contains(bytes[8])
      && (bytes[9] < 14 || bytes[9] == 255)
  }
}
