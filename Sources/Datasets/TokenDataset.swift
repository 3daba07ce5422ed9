import Files
import Glibc

public enum DatasetSplit: String, Sendable, CaseIterable { case train, validation }

/// Tokens on the disk, ready for training.
///
/// - A directory that `Preparation` wrote, with a `dataset.json`; one for a mixture has several domains.
/// - Any other directory of token files: those with `train` in their names, or else those without `val`, `valid`,
///   `validation` or `test`, are for training, those with the former three for validation (nanoGPT's `train.bin` and
///   `val.bin`, llm.c's `edu_fineweb_train_000001.bin`, lit-gpt's `train_slim_0000000000.bin`).
/// - A single token file, for whatever it is wanted.
public struct TokenDataset: Sendable {
  public let path: String
  /// What `dataset.json` says; nil for a mixture and where there is none.
  public let description: DatasetDescription?
  /// The domains of a mixture in their order, or the single part of anything else, whose name is the path.
  public let domains: [Domain]
  public let isMixture: Bool

  public struct Domain: Sendable {
    public let name: String
    /// Of a mixture's domain; 1 elsewhere.
    public let weight: Double
    fileprivate let files: [DatasetSplit: [TokenFile]]

    /// The files of a split; none if it has none.
    public subscript(split: DatasetSplit) -> [TokenFile] { files[split] ?? [] }
  }

  /// - Throws: `DatasetError`, `FileError`.
  public init(_ path: String) throws {
    let path = FileTree.withoutTrailingSlashes(path)
    self.path = path
    let descriptionPath = path + "/" + DatasetDescription.fileName
    guard FileTree.isDirectory(path) else {
      guard fileExists(TokenFile.split(path).file) else { throw DatasetError.inputNotFound(path: path) }
      let file = try TokenFile(path)
      (description, isMixture) = (nil, false)
      domains = [Domain(name: path, weight: 1, files: [.train: [file], .validation: [file]])]
      return
    }
    guard fileExists(descriptionPath) else {
      guard !fileExists(path + "/" + PreparationState.fileName) else { throw DatasetError.unfinished(path: path) }
      (description, isMixture) = (nil, false)
      domains = [try TokenDataset.undescribed(path)]
      return
    }
    if try MixtureDescription.isMixture(descriptionPath) {
      let mixture = try MixtureDescription(path: descriptionPath)
      (description, isMixture) = (nil, true)
      domains = try mixture.domains.map { try Domain($0, of: mixture, in: path) }
    } else {
      let description = try DatasetDescription(path: descriptionPath)
      var files: [DatasetSplit: [TokenFile]] = [.train: [try TokenFile(path + "/" + description.train.file)]]
      if let validation = description.validation { files[.validation] = [try TokenFile(path + "/" + validation.file)] }
      self.description = description
      isMixture = false
      domains = [Domain(name: path, weight: 1, files: files)]
    }
  }

  /// The files of a split, of all domains.
  /// - Throws: `DatasetError.missingSplit` if there are none.
  public func files(_ split: DatasetSplit) throws(DatasetError) -> [TokenFile] {
    let files = domains.flatMap { $0[split] }
    guard !files.isEmpty else {
      throw .missingSplit(
        path: path, split: split.rawValue,
        expected: split == .train ? "train.bin" : "validation.bin; prepare with a --validation-fraction above 0")
    }
    return files
  }

  /// A directory without `dataset.json`.
  private static func undescribed(_ path: String) throws -> Domain {
    let names = try FileTree.names(in: path).filter { name in
      !name.hasPrefix(".") && (name.hasSuffix(".bin") || TokenFile.isNamedHDF5(name))
        && FileTree.isFile(path + "/" + name)
    }
    func named(_ words: [String]) -> [String] {
      names.filter { name in
        name.split { !$0.isLetter }.contains { words.contains($0.lowercased()) }
      }
    }
    let validation = named(["val", "valid", "validation"])
    var train = named(["train"])
    if train.isEmpty {
      let others = validation + named(["test"])
      train = names.filter { !others.contains($0) }
    }
    guard !(train + validation).isEmpty else {
      throw DatasetError.missingSplit(
        path: path, split: "train or validation", expected: "dataset.json, train.bin or other token files")
    }
    return Domain(
      name: path, weight: 1,
      files: [
        .train: try train.map { try TokenFile(path + "/" + $0) },
        .validation: try validation.map { try TokenFile(path + "/" + $0) },
      ])
  }
}

extension TokenDataset.Domain {
  fileprivate init(
    _ domain: MixtureDescription.Domain, of mixture: MixtureDescription, in directory: String
  ) throws {
    func open(_ split: MixtureDescription.Split) throws -> TokenFile {
      let path = directory + "/" + split.file
      guard fileExists(path) else { throw DatasetError.inputNotFound(path: path) }
      let file = try TokenFile(split.group.map { "\(path):/\($0)" } ?? path, storage: mixture.storage)
      guard file.count == split.tokens else {
        throw DatasetError.countMismatch(path: file.path, expected: split.tokens, found: file.count)
      }
      return file.assuming(mixture.boundary)
    }
    var files: [DatasetSplit: [TokenFile]] = [.train: [try open(domain.train)]]
    if let validation = domain.validation { files[.validation] = [try open(validation)] }
    self.init(name: domain.name, weight: domain.weight, files: files)
  }
}

func fileExists(_ path: String) -> Bool { access(path, F_OK) == 0 }
