import Files

/// What the `dataset.json` of a mixture says: domains with their weights, and where the tokens of each are.
public struct MixtureDescription: Sendable, Equatable {
  static let format = "inheritune-mixture"

  public struct Split: Sendable, Equatable {
    /// Relative to the directory of `dataset.json`: `arxiv/train.bin`.
    public var file: String
    /// The group of an HDF5 file; nil for other files.
    public var group: String?
    public var tokens: Int
    /// Documents that were written here whole.
    public var documents: Int
  }

  public struct Domain: Sendable, Equatable {
    public var name: String
    /// The share of the domain is this over the sum of all.
    public var weight: Double
    public var train: Split
    public var validation: Split?
  }

  /// Of the .bin files.
  public var storage: TokenStorage
  public var vocabularySize: Int
  /// See `DatasetDescription.tokenizerHash(of:)`.
  public var tokenizerHash: String
  public var separator: DocumentSeparator
  public var separatorToken: Int32?
  public var maximumTokens: Int?
  /// Domains that were left out, since they had no input.
  public var missing: [String]
  public var domains: [Domain]

  /// nil where nothing separates the documents.
  public var boundary: DocumentBoundary? { DocumentBoundary(separator, token: separatorToken) }
}

extension MixtureDescription {
  var json: JSON {
    .object([
      "format": .string(MixtureDescription.format),
      "version": .integer(1),
      "dtype": .string(storage.rawValue),
      "vocabulary_size": .integer(Int64(vocabularySize)),
      "tokenizer_sha256": .string(tokenizerHash),
      "document_separator": .string(separator.rawValue),
      "separator_token": separatorToken.map { .integer(Int64($0)) } ?? .null,
      "max_tokens": maximumTokens.map { .integer(Int64($0)) } ?? .null,
      "missing_domains": .array(missing.map { .string($0) }),
      "domains": .array(domains.map(\.json)),
    ])
  }

  /// Whether a `dataset.json` is that of a mixture.
  /// - Throws: `DatasetError.malformedDescription`, `FileError`.
  static func isMixture(_ path: String) throws -> Bool {
    do { return try JSON(contentsOf: path)["format"]?.string == format } catch let error as JSONError {
      throw DatasetError.malformedDescription(path: path, reason: "\(error)")
    }
  }

  /// Reads `path`. The file is checked: every key has the right type, counts are not negative, weights are above 0, names are
  /// given once, and files stay in the directory.
  /// - Throws: `DatasetError.malformedDescription`, `FileError`.
  public init(path: String) throws {
    let reader = DescriptionReader(path: path)
    let root = try reader.root(format: MixtureDescription.format)
    storage = try reader.choice(root, "dtype")
    vocabularySize = try reader.count(root, "vocabulary_size")
    tokenizerHash = try reader.string(root, "tokenizer_sha256")
    separator = try reader.choice(root, "document_separator")
    separatorToken = Int32(exactly: root["separator_token"]?.integer ?? -1).flatMap { $0 < 0 ? nil : $0 }
    maximumTokens = root["max_tokens"]?.integer
    missing = (root["missing_domains"]?.array ?? []).compactMap(\.string)
    domains = []
    for (index, entry) in (root["domains"]?.array ?? []).enumerated() {
      let domain = try reader.domain(entry, "domains.\(index)")
      guard !domains.contains(where: { $0.name == domain.name }) else {
        throw reader.wrong("domains.\(index).name", expected: "a name that no other domain has")
      }
      domains.append(domain)
    }
    guard !domains.isEmpty else { throw reader.wrong("domains", expected: "one or more domains") }
  }
}

extension MixtureDescription.Domain {
  fileprivate var json: JSON {
    var object: JSONObject = ["name": .string(name), "weight": .number(weight), "train": train.json]
    object["validation"] = validation?.json
    return .object(object)
  }
}

extension MixtureDescription.Split {
  fileprivate var json: JSON {
    var object: JSONObject = ["file": .string(file)]
    object["group"] = group.map { .string($0) }
    object["tokens"] = .integer(Int64(tokens))
    object["documents"] = .integer(Int64(documents))
    return .object(object)
  }
}

extension DescriptionReader {
  fileprivate func domain(_ json: JSON, _ key: String) throws(DatasetError) -> MixtureDescription.Domain {
    guard let name = json["name"]?.string, isFileName(name) else {
      throw wrong("\(key).name", expected: "a name, without '/'")
    }
    guard let weight = json["weight"]?.double, weight > 0, weight.isFinite else {
      throw wrong("\(key).weight", expected: "a number above 0")
    }
    return MixtureDescription.Domain(
      name: name, weight: weight, train: try split(json["train"], "\(key).train"),
      validation: json["validation"] == nil ? nil : try split(json["validation"], "\(key).validation"))
  }

  private func split(_ json: JSON?, _ key: String) throws(DatasetError) -> MixtureDescription.Split {
    guard let json, json.object != nil else { throw wrong(key, expected: "an object") }
    let file = try string(json, "file")
    guard file.split(separator: "/", omittingEmptySubsequences: false).allSatisfy(isFileName) else {
      throw wrong("\(key).file", expected: "the path of a file in the same directory, or in one of it")
    }
    let group = json["group"]
    guard group == nil || group?.string != nil else { throw wrong("\(key).group", expected: "the name of a group") }
    return MixtureDescription.Split(
      file: file, group: group?.string, tokens: try count(json, "tokens"), documents: try count(json, "documents"))
  }
}
