import Files
import HDF5

/// Opens checkpoints.
public enum Checkpoint {
  /// What weights are called, in the order in which they are looked for: safetensors and then PyTorch as in transformers,
  /// Keras, lit-gpt, nanoGPT.
  private static let names = [
    "model.safetensors", ShardIndex.fileName, "pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5",
    "model.h5",
    "lit_model.pth", "ckpt.pt",
  ]
  private static let extensions: Set = ["safetensors", "bin", "pth", "pt", "h5", "ckpt"]
  /// Files of other things under such names: the state of transformers' Trainer, llama2.c's vocabulary.
  private static let others: Set = [
    "training_args.bin", "optimizer.bin", "optimizer.pt", "scheduler.pt", "scheduler.bin", "rng_state.pth",
    "tokenizer.bin",
  ]

  /// Opens a checkpoint without reading a tensor. What a file is is seen from its contents, whatever its name.
  /// - Parameter path: a file; an index of shards (`….index.json`); or a directory with one of the usual names, or with a
  ///   single file that could be weights.
  /// - Throws: `CheckpointError` if it cannot be read, or is damaged.
  public static func open(_ path: String) throws(CheckpointError) -> any CheckpointReader {
    if FileTree.isDirectory(path) { return try open(directory: FileTree.withoutTrailingSlashes(path)) }
    if path.hasSuffix(ShardIndex.nameEnd) { return try ShardedCheckpoint(ShardIndex(path)) }
    return try open(file: path)
  }

  private static func open(directory: String) throws(CheckpointError) -> any CheckpointReader {
    if let name = names.first(where: { FileTree.exists(directory + "/" + $0) }) {
      return try open(directory + "/" + name)
    }
    let names: [String]
    do { names = try FileTree.names(in: directory) } catch { throw .file(error) }
    let weights = names.filter { mayBeWeights($0) && FileTree.isFile(directory + "/" + $0) }
    guard let name = weights.first else { throw .noWeights(directory: directory, found: names) }
    guard weights.count == 1 else { throw .ambiguousWeights(directory: directory, found: weights) }
    return try open(file: directory + "/" + name)
  }

  private static func mayBeWeights(_ name: String) -> Bool {
    guard let dot = name.lastIndex(of: "."), !others.contains(name) else { return false }
    return extensions.contains(name[name.index(after: dot)...].lowercased())
  }

  /// Opens one file, which is no index.
  static func open(file path: String) throws(CheckpointError) -> any CheckpointReader {
    let file: MappedFile
    do { file = try MappedFile(path) } catch { throw .file(error) }
    // First: the length that such a file begins with may look like anything else.
    if isSafetensors(file) { return try SafetensorsFile(file) }
    // Before pickles: a model of 128 or 640 columns begins as one.
    if let file = Llama2CFile(file) { return file }
    if PyTorchFile.isZip(file) || PyTorchFile.isPickle(file) { return try PyTorchCheckpoint(file) }
    if let found = ForeignFormat(file) { throw .unsupportedFormat(path: path, found: found.description) }
    if HDF5File.isHDF5(file) { return try HDF5Checkpoint(file) }
    guard path.hasSuffix(".safetensors") else {
      throw .unsupportedFormat(
        path: path, found: "not a format that is known; expected safetensors, PyTorch, HDF5 or llama2.c")
    }
    return try SafetensorsFile(file)
  }

  /// Whether a JSON object of less than 4 GiB follows its length.
  private static func isSafetensors(_ file: MappedFile) -> Bool {
    file.withBytes { $0.count > 8 && $0[4..<8].allSatisfy { $0 == 0 } && $0[8] == UInt8(ascii: "{") }
  }
}
