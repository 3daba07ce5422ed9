import Checkpoints
import Files
import Models
import Tokenization

/// What reads an untrusted file. A target is right when it returns: with whatever it read, or with an error.
enum FuzzTarget: String, CaseIterable {
  case safetensors
  /// Zip archives and the pickles in them.
  case pytorch
  /// The stream of pickles before torch 1.6, which no checksum keeps the fuzzer out of.
  case legacy
  case hdf5
  /// `model.safetensors.index.json`, beside a good shard.
  case index
  case config
  /// tokenizer.model.
  case sentencepiece
  /// tokenizer.json.
  case tokenizer

  /// The name that the input has in its directory.
  var fileName: String {
    switch self {
    case .safetensors: "model.safetensors"
    case .pytorch, .legacy: "pytorch_model.bin"
    case .hdf5: "model.h5"
    case .index: "model.safetensors.index.json"
    case .config: "config.json"
    case .sentencepiece: "tokenizer.model"
    case .tokenizer: "tokenizer.json"
    }
  }

  /// Reads the input, in the directory where it lies, as a user's command would.
  func read(_ directory: String) throws {
    switch self {
    case .safetensors, .pytorch, .legacy, .hdf5:
      let checkpoint = try Checkpoint.open(directory + "/" + fileName)
      _ = checkpoint.tensors.reduce(0) { $0 + $1.byteCount }
      // There is no config.json: every dialect has a look.
      do { _ = try ModelSource(directory + "/" + fileName) } catch { _ = "\(error)" }
      try FuzzTarget.readAll(checkpoint)
    case .index: try FuzzTarget.readAll(Checkpoint.open(directory))
    case .config: _ = try Model.load(directory: directory)
    case .sentencepiece, .tokenizer:
      let tokenizer = try Tokenizer.load(directory: directory)
      let ids = tokenizer.encode(
        "Once upon a time,\n\twa\u{308}\u{323}re wäre 123 日本語 👩🏽‍🚀 <unk></s>",
        addSpecialTokens: true)
      _ = tokenizer.decode(ids, skipSpecialTokens: false)
      _ = tokenizer.decode(
        [0, Int32(tokenizer.vocabularySize) - 1, Int32(tokenizer.vocabularySize), -1], skipSpecialTokens: true)
    }
  }

  /// Touches the first and last elements of every tensor.
  private static func readAll(_ checkpoint: any CheckpointReader) throws {
    var buffer = [UInt8](repeating: 0, count: 64 * 8)
    for tensor in checkpoint.tensors {
      let contents = try checkpoint.contents(of: tensor.name)
      let count = min(tensor.elementCount, 64)
      for start in [0, tensor.elementCount - count] {
        try buffer.withUnsafeMutableBytes {
          try contents.copy(
            start..<start + count, into: UnsafeMutableRawBufferPointer(rebasing: $0[..<(count * tensor.type.size)]))
        }
      }
    }
    for path in checkpoint.files { _ = checkpoint.header(of: path)?.count }
  }
}
