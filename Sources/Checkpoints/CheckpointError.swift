import Files

/// What can be wrong with a checkpoint. One line that names the file, and the tensor or the key.
public enum CheckpointError: Error, Sendable, Equatable, CustomStringConvertible {
  case file(FileError)
  /// A file that is no safetensors file, or a damaged one.
  case malformed(path: String, reason: String)
  case malformedTensor(path: String, tensor: String, reason: String)
  case malformedIndex(path: String, reason: String)
  case missingShards(path: String, missing: [String], count: Int)
  /// `found` are names in the directory.
  case noWeights(directory: String, found: [String])
  case unsupportedFormat(path: String)
  case missingTensor(path: String, tensor: String)
  case notFloatingPoint(path: String, tensor: String, found: String)
  /// Two tensors to write have the same name.
  case duplicateTensor(path: String, tensor: String)
  /// Neither a path nor a model in the local Hugging Face cache.
  case notInCache(name: String, cache: String)

  public var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .malformed(let path, let reason): "\(path): not a readable safetensors file: \(reason)"
    case .malformedTensor(let path, let tensor, let reason): "\(path): tensor '\(shown(tensor))': \(reason)"
    case .malformedIndex(let path, let reason): "\(path): not a readable index of shards: \(reason)"
    case .missingShards(let path, let missing, let count):
      "\(path): \(missing.count) of \(count) shards not found: \(list(missing)); copy or download them again"
    case .noWeights(let directory, let found):
      "\(directory): no weights: expected model.safetensors or model.safetensors.index.json, "
        + (found.isEmpty ? "found no files" : "found \(list(found))")
    case .unsupportedFormat(let path): "\(path): not a format that can be read; expected safetensors"
    case .missingTensor(let path, let tensor): "\(path): there is no tensor '\(shown(tensor))'"
    case .notFloatingPoint(let path, let tensor, let found):
      "\(path): tensor '\(shown(tensor))' holds \(found), expected F32, BF16, F16 or F64"
    case .duplicateTensor(let path, let tensor): "\(path): two tensors are named '\(shown(tensor))'"
    case .notInCache(let name, let cache):
      "\(name): no such file or directory, and no such model in the Hugging Face cache (\(cache)); "
        + "fetch it with: hf download \(name)"
    }
  }

  private func list(_ names: [String]) -> String {
    let first = names.prefix(4).map(shown).joined(separator: ", ")
    return names.count > 4 ? "\(first) and \(names.count - 4) more" : first
  }

  /// Names come from files: whatever is in them stays on one line, and short.
  private func shown(_ name: String) -> String {
    let printable = name.unicodeScalars.prefix(160).map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }
    return String(String.UnicodeScalarView(printable)) + (name.unicodeScalars.count > 160 ? "…" : "")
  }
}
