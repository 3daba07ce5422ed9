import Files

/// The kinds of token files.
public enum TokenFormat: String, Sendable {
  /// nanoGPT's .bin: ids and nothing else.
  case raw
  /// llm.c's .bin: a header of 256 int32 and the ids (karpathy/llm.c, dev/data/data_common.py).
  case llmc = "llm.c"
  /// lit-gpt's packed chunks (Lightning-AI/litgpt, lit_gpt/packed_dataset.py).
  case litGPT = "lit-gpt"
  /// A dataset `tokens` in an HDF5 file.
  case hdf5 = "HDF5"
}

/// Where the ids of a mapped token file lie.
struct TokenLayout: Equatable {
  var format: TokenFormat
  var element: TokenElement
  /// Bytes before the first id.
  var offset: Int
  /// Tokens.
  var count: Int

  /// What the beginning of the file says; raw ids of type `storage` where it says nothing.
  ///
  /// A raw file may begin with anything, but what is taken for a header here is at least 56 bits of agreement (lit-gpt),
  /// or a kibibyte of it that is almost all zeros (llm.c).
  /// - Throws: `DatasetError` for a header that does not fit its file, and for files of another kind.
  init(_ bytes: UnsafeRawBufferPointer, storage: TokenStorage, path: String) throws(DatasetError) {
    guard !bytes.isEmpty else { throw .emptyTokenFile(path: path) }
    if let layout = try LLMCHeader.layout(bytes, path: path) {
      self = layout
      return
    }
    if let layout = try LitGPTHeader.layout(bytes, path: path) {
      self = layout
      return
    }
    if let what = ForeignFile.kind(of: bytes) { throw .foreignTokenFile(path: path, what: what) }
    try self.init(raw: storage, bytes: bytes.count, path: path)
  }

  /// Ids and nothing else.
  init(raw storage: TokenStorage, bytes: Int, path: String) throws(DatasetError) {
    guard bytes > 0 else { throw .emptyTokenFile(path: path) }
    guard bytes % storage.bytes == 0 else {
      throw .partialToken(path: path, bytes: bytes, bytesPerToken: storage.bytes)
    }
    self.init(format: .raw, element: TokenElement(storage), offset: 0, count: bytes / storage.bytes)
  }

  fileprivate init(format: TokenFormat, element: TokenElement, offset: Int, count: Int) {
    self.format = format
    self.element = element
    self.offset = offset
    self.count = count
  }
}

/// llm.c's header: magic, version and number of tokens, and zeros up to 256 int32.
private enum LLMCHeader {
  static let size = 1024
  /// The version and the type of the ids: GPT-2's and Llama-3's.
  static let kinds: [UInt32: (version: UInt32, element: TokenElement)] = [
    20_240_520: (1, .uint16), 20_240_801: (7, .uint32),
  ]
  /// Multiple-choice questions for llm.c's own evaluation.
  static let evaluation: UInt32 = 20_240_522

  /// nil for what is no such file.
  static func layout(_ bytes: UnsafeRawBufferPointer, path: String) throws(DatasetError) -> TokenLayout? {
    func malformed(_ reason: String) -> DatasetError { .malformedTokenFile(path: path, format: .llmc, reason: reason) }
    func word(_ index: Int) -> UInt32 {
      UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
    }
    guard bytes.count >= 8, kinds[word(0)] != nil || word(0) == evaluation else { return nil }
    // In evaluation files the fourth is the length of the longest question.
    let used = kinds[word(0)] == nil ? 16 : 12
    guard bytes.prefix(size).dropFirst(used).allSatisfy({ $0 == 0 }) else { return nil }
    guard let kind = kinds[word(0)] else {
      throw .foreignTokenFile(path: path, what: "llm.c's multiple-choice questions")
    }
    guard word(1) == kind.version else { throw malformed("version \(word(1)), expected \(kind.version)") }
    guard bytes.count >= size else {
      throw malformed("\(bytes.count) bytes, fewer than its header has; the file is cut")
    }
    let count = Int(word(2))
    let held = bytes.count - size
    guard count > 0 else { throw .emptyTokenFile(path: path) }
    guard held == count * kind.element.bytes else {
      throw malformed(
        "the header says \(count) tokens of \(kind.element.bytes) bytes, \(held) bytes follow; the file is cut or was "
          + "changed")
    }
    return TokenLayout(format: .llmc, element: kind.element, offset: size, count: count)
  }
}

/// lit-gpt's header, 24 bytes: "LITPKDS", version 1 (uint64), the type of the ids (uint8), tokens of a chunk (uint64).
private enum LitGPTHeader {
  static let size = 24
  static let magic = "LITPKDS"

  /// nil for what is no such file.
  static func layout(_ bytes: UnsafeRawBufferPointer, path: String) throws(DatasetError) -> TokenLayout? {
    func malformed(_ reason: String) -> DatasetError {
      .malformedTokenFile(path: path, format: .litGPT, reason: reason)
    }
    guard bytes.starts(with: magic.utf8) else { return nil }
    guard bytes.count >= size else {
      throw malformed("\(bytes.count) bytes, fewer than its header has; the file is cut")
    }
    let version = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 7, as: UInt64.self))
    guard version == 1 else { throw malformed("version \(version), expected 1") }
    guard let element = element(code: bytes[15]) else {
      throw malformed("ids of type \(bytes[15]), expected uint16 (8), int32 (4), int64 (5), int16 (3) or uint8 (1)")
    }
    let stored = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
    let held = bytes.count - size
    // There are writers that put several chunks into a file.
    guard let chunk = Int(exactly: stored), chunk > 0,
      case (let chunkBytes, let overflow) = chunk.multipliedReportingOverflow(by: element.bytes), !overflow, held > 0,
      held % chunkBytes == 0
    else {
      throw malformed(
        "the header says \(stored) tokens of \(element.bytes) bytes, \(held) bytes follow; the file is cut or was changed"
      )
    }
    let count = held / element.bytes
    return TokenLayout(
      format: .litGPT, element: element, offset: size,
      count: count - padding(UnsafeRawBufferPointer(rebasing: bytes[size...]), width: element.bytes))
  }

  private static func element(code: UInt8) -> TokenElement? {
    switch code {
    case 1: .uint8
    case 3: .int16
    case 4: .int32
    case 5: .int64
    case 8: .uint16
    default: nil
    }
  }

  /// The last chunk is filled up with the separator, and nothing says from where on: tokens at the end that are the same
  /// as the one before them. The first of the run stays, which may end the last document.
  private static func padding(_ ids: UnsafeRawBufferPointer, width: Int) -> Int {
    var equal = 0
    for index in stride(from: ids.count - 1, through: width, by: -1) {
      guard ids[index] == ids[index - width] else { break }
      equal += 1
    }
    return equal / width
  }
}
