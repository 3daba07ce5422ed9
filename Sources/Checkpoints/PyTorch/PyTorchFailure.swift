import Files

/// A text of the file for a message.
func quoted(_ text: String) -> String { "'\(shown(text, limit: 80))'" }

/// What a file of torch.save can have against being read; where it is, its reader adds.
enum PyTorchFailure: Error, Equatable {
  case damaged(String)
  /// The pickle refers to something that is not on the list of what a checkpoint needs. Nothing was looked up or run.
  case refused(name: String, position: Int)
  case file(FileError)

  func error(in path: String) -> CheckpointError {
    switch self {
    case .damaged(let reason): .malformed(path: path, format: .pyTorch, reason: reason)
    case .refused(let name, let position): .refusedPickle(path: path, name: name, position: position)
    case .file(let error): .file(error)
    }
  }
}
