import Files
import HDF5
import Tokenization

/// Several domains of text become one mixture: a directory of token files for each, or groups of HDF5 files, and a
/// `dataset.json` with the weights.
///
/// Each domain is a `Preparation` of its own, one after the other, in a directory that gets its final name when all are
/// complete. Interrupted at any point and run again, it goes on.
public final class MixturePreparation {
  /// Its share of the tokens that were asked for; nil: everything.
  public struct Domain: Sendable {
    public let name: String
    public let weight: Double
    public let quota: Int?
    public let files: [InputFile]
  }

  public let domains: [Domain]
  /// Names of the domains that were left out, since they have no input.
  public let missing: [String]

  /// False for a dataset without domains, which is one without a name here.
  private let isMixture: Bool
  private let format: OutputFormat
  private let tokenizer: Tokenizer
  private let options: PreparationOptions
  private let output: MixtureDirectory
  private var state: MixtureState

  /// - Parameters:
  ///   - output: a directory; made if it does not exist.
  ///   - options: for every domain; `maximumTokens` is that of the mixture, and is shared out by weight.
  ///   - skipsMissing: leave domains without input out, whose share then goes to the others. Otherwise they are an error.
  /// - Throws: `DatasetError`, `FileError`.
  public init(
    domains: [DomainInputs], tokenizer: Tokenizer, output: String, options: PreparationOptions,
    format: OutputFormat = .bin, skipsMissing: Bool = false
  ) throws {
    var options = options
    options.keepsDocumentLengths = format == .hdf5
    try options.validate()
    for (index, domain) in domains.enumerated() where domains[..<index].contains(where: { $0.name == domain.name }) {
      throw DatasetError.invalidOption(name: "--domain", value: "'\(domain.name)' twice", expected: "each domain once")
    }
    if format == .hdf5 {
      _ = try HDF5Library.load()
      guard !domains.contains(where: { $0.name == HDF5Tokens.tokensName }) else {
        throw DatasetError.invalidOption(name: "--domain", value: "'tokens'", expected: "another name in HDF5")
      }
    }
    let weight = domains.reduce(0) { $0 + $1.weight }
    guard weight.isFinite else {
      throw DatasetError.invalidOption(
        name: "--domain", value: "weights with the sum \(weight)", expected: "a finite sum")
    }
    let found = try MixturePreparation.expand(domains, skipsMissing: skipsMissing)
    let present = found.map(\.domain)
    missing = domains.map(\.name).filter { name in !present.contains { $0.name == name } }
    let quotas = options.maximumTokens.map { total in present.quotas(of: total).map { Optional($0) } }
    self.domains = found.enumerated().map { index, found in
      Domain(
        name: found.domain.name, weight: found.domain.weight, quota: quotas?[index] ?? nil, files: found.files)
    }
    if let domain = self.domains.first(where: { $0.quota == 0 }) {
      throw DatasetError.invalidOption(
        name: "--max-tokens", value: "\(options.maximumTokens ?? 0), of which '\(domain.name)' gets none",
        expected: "enough for each domain to have one")
    }
    isMixture = domains.map(\.name) != [MixturePreparation.onlyDomain]
    self.format = format
    self.tokenizer = tokenizer
    self.options = options
    self.output = try MixtureDirectory(output)
    state = try self.output.state(
      for: try MixturePreparation.settings(self.domains, tokenizer, options),
      domains: format == .bin ? self.domains.map(\.name) : [],
      replacing: options.replacesExisting)
  }

  private static let onlyDomain = ""

  /// A dataset without domains, in HDF5.
  public convenience init(
    hdf5 inputs: [String], tokenizer: Tokenizer, output: String, options: PreparationOptions
  ) throws {
    try self.init(
      domains: [DomainInputs(unnamed: inputs)], tokenizer: tokenizer, output: output, options: options, format: .hdf5)
  }

  private static func expand(
    _ domains: [DomainInputs], skipsMissing: Bool
  ) throws(DatasetError) -> [(domain: DomainInputs, files: [InputFile])] {
    var found: [(DomainInputs, [InputFile])] = []
    for domain in domains {
      do throws(DatasetError) {
        found.append((domain, try InputFile.expand(domain.inputs)))
      } catch {
        switch error {
        case .noMatch, .inputNotFound, .emptyDirectory:
          if domain.name == onlyDomain { throw error }
          if !skipsMissing { throw .missingDomain(name: domain.name, reason: "\(error)") }
        default: throw error
        }
      }
    }
    guard !found.isEmpty else { throw .noInputs }
    return found
  }

  /// Everything that the result depends on.
  private static func settings(
    _ domains: [Domain], _ tokenizer: Tokenizer, _ options: PreparationOptions
  ) throws -> JSONObject {
    let separatorToken = try options.separator.token(of: tokenizer)
    let hash = try DatasetDescription.tokenizerHash(of: tokenizer.files)
    var settings = options.fingerprint(
      files: [], tokenizerHash: hash, vocabularySize: tokenizer.vocabularySize, separatorToken: separatorToken)
    settings["inputs"] = nil
    // Of equal remainders the first domain's is rounded up.
    settings["order of --domain"] = .array(domains.map { .string($0.name) })
    for domain in domains {
      let inputs = options.fingerprint(
        files: domain.files, tokenizerHash: hash, vocabularySize: tokenizer.vocabularySize,
        separatorToken: separatorToken)["inputs"]
      settings["--domain \(domain.name)"] = .object(["weight": .number(domain.weight), "inputs": inputs ?? .null])
    }
    return settings
  }

  /// Stored bytes of all inputs.
  public var totalBytes: Int { domains.reduce(0) { $0 + $1.bytes } }

  /// Whether an earlier run is being continued.
  public var isResumed: Bool { state.isResumed }

  /// Does the work, or the rest of it.
  /// - Parameter report: gets the name of the domain at work, and how far all of them are together.
  /// - Returns: what was made of each domain; the files' paths are those in the output directory.
  /// - Throws: `DatasetError`, `FileError`. The state of the last save remains, and the same preparation can be run again.
  public func run(
    report: (String, PreparationProgress) throws -> PreparationDecision = { _, _ in .continue }
  ) throws -> PreparationOutcome<[DatasetDescription]> {
    try output.save(state)
    var done = PreparationProgress(
      documents: 0, tokens: 0, textBytes: 0, badLines: 0, bytesRead: 0, bytesTotal: totalBytes)
    var descriptions: [DatasetDescription] = []
    for domain in domains {
      let before = done
      switch try prepare(domain, report: { try report(domain.name, before.adding($0)) }) {
      case .stopped(let progress): return .stopped(before.adding(progress))
      case .finished(let description):
        descriptions.append(description)
        done = before.adding(domain.progress(description))
      }
    }
    state.phase = .committing
    try output.save(state)
    return .finished(try commit(descriptions))
  }

  private func commit(_ descriptions: [DatasetDescription]) throws -> [DatasetDescription] {
    let names = domains.map(\.name)
    if state.replaces { try output.removeEarlierOutput(format == .bin ? names : []) }
    switch format {
    case .bin: try output.moveUp(names, replaces: state.replaces)
    case .hdf5: for split in DatasetSplit.allCases { try writeHDF5(split, descriptions) }
    }
    let moved = zip(names, descriptions).map { name, description in
      description.moved { split, file in format == .bin ? "\(name)/\(file)" : MixtureDirectory.hdf5Name(split) }
    }
    try output.commit(isMixture ? try description(moved).json : moved[0].json)
    return moved
  }

  private func prepare(
    _ domain: Domain, report: (PreparationProgress) throws -> PreparationDecision
  ) throws -> PreparationOutcome<DatasetDescription> {
    if let finished = try output.finished(
      domain.name, mayHaveMoved: state.phase == .committing && format == .bin)
    {
      return .finished(finished)
    }
    var options = options
    options.maximumTokens = domain.quota
    do {
      return try Preparation(
        inputs: domain.files.map(\.path), tokenizer: tokenizer, output: output.working(domain.name), options: options
      ).run(report: report)
    } catch DatasetError.nothingToPrepare(let inputs) {
      if !isMixture { throw DatasetError.nothingToPrepare(inputs: inputs) }
      throw DatasetError.emptyDomain(name: domain.name, inputs: inputs)
    }
  }

  /// One file with a group for each domain that has such tokens.
  private func writeHDF5(_ split: DatasetSplit, _ descriptions: [DatasetDescription]) throws {
    var parts: [HDF5TokenWriter.Part] = []
    for (domain, description) in zip(domains, descriptions) {
      guard let tokens = split == .train ? description.train : description.validation else { continue }
      let directory = output.working(domain.name) + "/"
      let lengths = try tokens.documentsFile.map { try DocumentLengths.reader(directory + $0) }
      parts.append(
        .init(
          group: domain.name, path: directory + tokens.file, storage: description.storage,
          weight: isMixture ? domain.weight : nil,
          documents: lengths.map { .lengths($0) }))
    }
    if parts.isEmpty { return }
    let separator = try options.separator.token(of: tokenizer)
    try HDF5TokenWriter.write(
      parts, toFile: output.hdf5(split),
      attributes: .init(
        vocabularySize: tokenizer.vocabularySize,
        tokenizerHash: try DatasetDescription.tokenizerHash(of: tokenizer.files),
        separator: DocumentBoundary(options.separator, token: separator)), workers: options.workers)
  }

  private func description(_ parts: [DatasetDescription]) throws -> MixtureDescription {
    func described(_ name: String, _ split: DatasetDescription.Split) -> MixtureDescription.Split {
      .init(
        file: split.file, group: format == .hdf5 ? name : nil, tokens: split.tokens, documents: split.documents)
    }
    return MixtureDescription(
      storage: TokenStorage(vocabularySize: tokenizer.vocabularySize), vocabularySize: tokenizer.vocabularySize,
      tokenizerHash: try DatasetDescription.tokenizerHash(of: tokenizer.files), separator: options.separator,
      separatorToken: try options.separator.token(of: tokenizer), maximumTokens: options.maximumTokens,
      missing: missing,
      domains: zip(domains, parts).map { domain, part in
        .init(
          name: domain.name, weight: domain.weight, train: described(domain.name, part.train),
          validation: part.validation.map { described(domain.name, $0) })
      })
  }
}

extension DatasetDescription {
  /// With the files at other places, and without those that only the work needed.
  fileprivate func moved(to place: (DatasetSplit, String) -> String) -> DatasetDescription {
    var moved = self
    moved.train.file = place(.train, train.file)
    moved.train.documentsFile = nil
    if let validation {
      moved.validation?.file = place(.validation, validation.file)
      moved.validation?.documentsFile = nil
    }
    return moved
  }
}

extension MixturePreparation.Domain {
  /// Stored bytes of its inputs.
  fileprivate var bytes: Int { files.reduce(0) { $0 + $1.size } }

  /// When it is done.
  fileprivate func progress(_ description: DatasetDescription) -> PreparationProgress {
    PreparationProgress(
      documents: description.documents, tokens: description.tokens, textBytes: description.textBytes,
      badLines: description.badLines, bytesRead: bytes, bytesTotal: bytes)
  }
}
