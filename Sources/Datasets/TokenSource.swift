import Files

/// One part of a mixture: one or more token files that are drawn from as if they were one, and their weight.
public struct TokenSource: Sendable {
  /// The domain of a mixture, or the paths.
  public let name: String
  public let files: [TokenFile]
  /// The share of the batches' rows is this over the sum of all weights.
  public let weight: Double

  public init(name: String, files: [TokenFile], weight: Double = 1) {
    self.name = name
    self.files = files
    self.weight = weight
  }

  /// The `split` of all of `paths` as one source.
  /// - Parameter paths: token files, directories of them (see `TokenDataset`), and patterns over both, whose matches are taken
  ///   in the order of their names.
  /// - Throws: `DatasetError`, also for a mixture, which is more than one source; `FileError`.
  public init(paths: [String], split: DatasetSplit, weight: Double = 1) throws {
    var files: [TokenFile] = []
    for path in try paths.flatMap(TokenSource.expand) {
      let dataset = try TokenDataset(path)
      guard !dataset.isMixture || split == .validation else { throw DatasetError.mixtureInsideSource(path: path) }
      files += try dataset.files(split)
    }
    self.init(name: paths.joined(separator: ", "), files: files, weight: weight)
  }

  /// The validation splits of the directories among `paths`, as one source; nil if there are none. A single file is
  /// whatever it is wanted for, so it cannot be both here.
  public init?(validationBeside paths: [String]) throws {
    let files = try paths.flatMap(TokenSource.expand).filter(FileTree.isDirectory).flatMap { path in
      try TokenDataset(path).domains.flatMap { $0[.validation] }
    }
    guard !files.isEmpty else { return nil }
    self.init(name: paths.joined(separator: ", "), files: files)
  }

  /// The domains of a mixture's directory, for training, with its weights; nil for anything else.
  /// - Throws: `DatasetError`, `FileError`.
  public static func domains(of path: String) throws -> [TokenSource]? {
    guard FileTree.isDirectory(path) else { return nil }
    let dataset = try TokenDataset(path)
    guard dataset.isMixture else { return nil }
    return dataset.domains.map { TokenSource(name: $0.name, files: $0[.train], weight: $0.weight) }
  }

  /// Whether there is something at `path`, or a match of it.
  /// - Throws: `DatasetError` for a pattern that cannot be expanded.
  public static func exists(_ path: String) throws(DatasetError) -> Bool {
    do throws(DatasetError) {
      return try expand(path).allSatisfy { fileExists(TokenFile.split($0).file) }
    } catch {
      guard case .noMatch = error else { throw error }
      return false
    }
  }

  public var tokens: Int { files.reduce(0) { $0 + $1.count } }

  /// The same source; files that do not say what separates their documents have `boundary`.
  public func assuming(_ boundary: DocumentBoundary?) -> TokenSource {
    TokenSource(name: name, files: files.map { $0.assuming(boundary) }, weight: weight)
  }

  /// Checks every id of every file; see `TokenFile.validate`.
  public func validate(vocabularySize: Int) throws {
    for file in files { try file.validate(vocabularySize: vocabularySize) }
  }

  /// The path itself where there is something, or the matches of a pattern.
  static func expand(_ path: String) throws(DatasetError) -> [String] {
    guard !fileExists(path), path.contains(where: { "*?[".contains($0) }) else { return [path] }
    return try InputFile.matches(of: path)
  }
}
