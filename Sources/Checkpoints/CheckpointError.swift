import Files

/// What can be wrong with a checkpoint. One line that names the file, and the tensor or the key.
public enum CheckpointError: Error, Sendable, Equatable, CustomStringConvertible {
  case file(FileError)
  /// A file that is not of the format, a damaged one, or one of a kind that is not read.
  case malformed(path: String, format: CheckpointFormat = .safetensors, reason: String)
  case malformedTensor(path: String, tensor: String, reason: String)
  case malformedIndex(path: String, reason: String)
  case missingShards(path: String, missing: [String], count: Int)
  /// `found` are names in the directory.
  case noWeights(directory: String, found: [String])
  /// `found` are those that could be meant.
  case ambiguousWeights(directory: String, found: [String])
  /// `found` says what the file is, and what to do: "a Git LFS pointer; …".
  case unsupportedFormat(path: String, found: String)
  /// A pickle refers to a Python name that is not on the list of what weights need; `position` in bytes.
  case refusedPickle(path: String, name: String, position: Int)
  case missingTensor(path: String, tensor: String)
  case notFloatingPoint(path: String, tensor: String, found: String)
  /// Two tensors to write have the same name.
  case duplicateTensor(path: String, tensor: String)
  /// Neither a path nor a model in the local Hugging Face cache.
  case notInCache(name: String, cache: String, command: String)
  /// A model of which the local Hugging Face cache has only a part, in `directory`; `command` fetches the rest.
  case incompleteInCache(name: String, directory: String, missing: [String], command: String)

  public var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .malformed(let path, let format, let reason):
      "\(path): not a readable \(format.rawValue) file: \(shown(reason, limit: 1000))"
    case .malformedTensor(let path, let tensor, let reason):
      "\(path): tensor '\(shown(tensor))': \(shown(reason, limit: 1000))"
    case .malformedIndex(let path, let reason):
      "\(path): not a readable index of shards: \(shown(reason, limit: 1000))"
    case .missingShards(let path, let missing, let count):
      "\(path): \(missing.count) of \(count) shards not found: \(list(missing)); copy or download them again"
    case .noWeights(let directory, let found):
      "\(directory): no weights: expected model.safetensors, pytorch_model.bin, tf_model.h5, lit_model.pth, ckpt.pt or "
        + "another single file of weights, "
        + (found.isEmpty ? "found no files" : "found \(list(found))")
    case .ambiguousWeights(let directory, let found):
      "\(directory): several files could be the weights: \(list(found)); name one of them"
    case .unsupportedFormat(let path, let found): "\(path): \(found)"
    case .refusedPickle(let path, let name, let position):
      "\(path): its pickle refers to \(shown(name)) at byte \(position), which weights do not need; nothing was run. "
        + "If the file is trusted, save the model's state_dict() alone"
    case .missingTensor(let path, let tensor): "\(path): there is no tensor '\(shown(tensor))'"
    case .notFloatingPoint(let path, let tensor, let found):
      "\(path): tensor '\(shown(tensor))' holds \(found), expected F32, BF16, F16 or F64"
    case .duplicateTensor(let path, let tensor): "\(path): two tensors are named '\(shown(tensor))'"
    case .notInCache(let name, let cache, let command):
      "\(name): no such file or directory, and no such model in the Hugging Face cache (\(cache)); "
        + "fetch it with: \(command)"
    case .incompleteInCache(let name, let directory, let missing, let command):
      "\(name): incomplete in the Hugging Face cache: \(list(missing)) not found in \(directory); "
        + "fetch the rest with: \(command)"
    }
  }

  private func list(_ names: [String]) -> String {
    let first = names.prefix(4).map { shown($0) }.joined(separator: ", ")
    return names.count > 4 ? "\(first) and \(names.count - 4) more" : first
  }
}

/// Names, and reasons with names in them, come from files: whatever is in them stays on one line, and short.
func shown(_ text: String, limit: Int = 160) -> String {
  let printable = text.unicodeScalars.prefix(limit).map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }
  return String(String.UnicodeScalarView(printable)) + (text.unicodeScalars.count > limit ? "…" : "")
}
