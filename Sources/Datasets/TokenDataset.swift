import Files
import Glibc

public enum DatasetSplit: String, Sendable, CaseIterable { case train, validation }

/// Tokens on the disk, ready for training: a directory that `Preparation` wrote, a directory as nanoGPT's scripts leave it
/// (`train.bin`, `val.bin`), or a single .bin file.
public struct TokenDataset: Sendable {
  public let path: String
  /// What `dataset.json` says; nil for nanoGPT's files.
  public let description: DatasetDescription?
  private let splits: [DatasetSplit: TokenFile]

  /// - Throws: `DatasetError`, `FileError`.
  public init(_ path: String) throws {
    self.path = path
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw errno == ENOENT
        ? DatasetError.inputNotFound(path: path) : DatasetError.unreadable(path: path, reason: systemReason())
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      // One file is whatever it is wanted for.
      let file = try TokenFile(path)
      splits = [.train: file, .validation: file]
      description = nil
      return
    }
    let descriptionPath = path + "/" + DatasetDescription.fileName
    if fileExists(descriptionPath) {
      let description = try DatasetDescription(path: descriptionPath)
      var splits: [DatasetSplit: TokenFile] = [.train: try TokenFile(path + "/" + description.train.file)]
      if let validation = description.validation { splits[.validation] = try TokenFile(path + "/" + validation.file) }
      self.splits = splits
      self.description = description
      return
    }
    guard !fileExists(path + "/" + PreparationState.fileName) else { throw DatasetError.unfinished(path: path) }
    var splits: [DatasetSplit: TokenFile] = [:]
    for (split, names) in [(DatasetSplit.train, ["train.bin"]), (.validation, ["validation.bin", "val.bin"])] {
      guard let name = names.first(where: { fileExists(path + "/" + $0) }) else { continue }
      splits[split] = try TokenFile(path + "/" + name, storage: .uint16)
    }
    guard !splits.isEmpty else {
      throw DatasetError.missingSplit(path: path, split: "train or validation", expected: "dataset.json or train.bin")
    }
    self.splits = splits
    description = nil
  }

  /// The tokens of a split, or nil if there are none.
  public subscript(split: DatasetSplit) -> TokenFile? { splits[split] }

  /// The tokens of a split.
  /// - Throws: `DatasetError.missingSplit`.
  public func tokens(_ split: DatasetSplit) throws(DatasetError) -> TokenFile {
    guard let file = splits[split] else {
      throw .missingSplit(
        path: path, split: split.rawValue,
        expected: split == .train ? "train.bin" : "validation.bin; prepare with a --validation-fraction above 0")
    }
    return file
  }
}

func fileExists(_ path: String) -> Bool { access(path, F_OK) == 0 }

/// One part of a mixture: one or more token files that are drawn from as if they were one, and their weight.
public struct TokenSource: Sendable {
  /// For messages.
  public let name: String
  public let files: [TokenFile]
  /// The share of the batches' rows is this over the sum of all weights.
  public let weight: Double

  public init(name: String, files: [TokenFile], weight: Double = 1) {
    self.name = name
    self.files = files
    self.weight = weight
  }

  /// The `split` of each of `paths` (see `TokenDataset`), as one source.
  public init(paths: [String], split: DatasetSplit, weight: Double = 1) throws {
    var files: [TokenFile] = []
    for path in paths { files.append(try TokenDataset(path).tokens(split)) }
    self.init(name: paths.joined(separator: ", "), files: files, weight: weight)
  }

  public var tokens: Int { files.reduce(0) { $0 + $1.count } }

  /// Checks every id of every file; see `TokenFile.validate`.
  public func validate(vocabularySize: Int) throws(DatasetError) {
    for file in files { try file.validate(vocabularySize: vocabularySize) }
  }
}
