import Files

/// What can be wrong with an HDF5 file. One line that names the file, and the dataset.
public enum HDF5Error: Error, Sendable, Equatable, CustomStringConvertible {
  case file(FileError)
  /// A file that is not of the format, or a damaged one.
  case malformed(path: String, reason: String)
  /// A dataset that cannot be read; others may be.
  case unreadableDataset(path: String, dataset: String, reason: String)
  case missingDataset(path: String, dataset: String)

  public var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .malformed(let path, let reason): "\(path): not a readable HDF5 file: \(shown(reason, limit: 1000))"
    case .unreadableDataset(let path, let dataset, let reason):
      "\(path): dataset '\(shown(dataset))': \(shown(reason, limit: 1000))"
    case .missingDataset(let path, let dataset): "\(path): there is no dataset '\(shown(dataset))'"
    }
  }
}

/// What a structure of the file has against being read; who knows the file and the dataset makes an `HDF5Error` of it.
enum HDF5Failure: Error {
  case file(FileError)
  /// The file is no HDF5 file, or what it says cannot be.
  case damaged(String)
  /// Valid, but nothing that is read here. Of a dataset: the others can still be read.
  case unsupported(String)

  func error(in path: String) -> HDF5Error {
    switch self {
    case .file(let error): .file(error)
    case .damaged(let reason), .unsupported(let reason): .malformed(path: path, reason: reason)
    }
  }

  func error(in path: String, dataset: String) -> HDF5Error {
    switch self {
    case .file(let error): .file(error)
    case .damaged(let reason), .unsupported(let reason):
      .unreadableDataset(path: path, dataset: dataset, reason: reason)
    }
  }
}

/// Names, and reasons with names in them, come from files: whatever is in them stays on one line, and short.
private func shown(_ text: String, limit: Int = 160) -> String {
  let printable = text.unicodeScalars.prefix(limit).map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }
  return String(String.UnicodeScalarView(printable)) + (text.unicodeScalars.count > limit ? "…" : "")
}
