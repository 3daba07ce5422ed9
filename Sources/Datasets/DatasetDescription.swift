import Files

/// What `dataset.json` says about the token files beside it.
public struct DatasetDescription: Sendable, Equatable {
  public static let fileName = "dataset.json"
  static let format = "inheritune-tokens"
  /// What a count in a file may be: sums of a few never overflow.
  static let counts = 0...(1 << 56)

  public struct Split: Sendable, Equatable {
    /// The file's name, in the directory of `dataset.json`.
    public var file: String
    public var tokens: Int
    /// Documents that were written here whole.
    public var documents: Int
    /// The file with the number of tokens of each document (raw little-endian uint32), if there is one. A document that the
    /// end of the training data cuts has an entry on both sides.
    public var documentsFile: String?
  }

  public struct Source: Sendable, Equatable {
    public var path: String
    /// Bytes as stored.
    public var bytes: Int
  }

  /// How the validation tokens were chosen.
  public enum ValidationRule: String, Sendable {
    /// Whole documents, by the hash of their number in the input.
    case documents
    /// The last tokens, since no document had been chosen.
    case tail
    case none
  }

  public var storage: TokenStorage
  public var vocabularySize: Int
  /// See `tokenizerHash(of:)`.
  public var tokenizerHash: String
  public var train: Split
  public var validation: Split?
  public var validationRule: ValidationRule
  public var validationFraction: Double
  public var seed: UInt64
  public var separator: DocumentSeparator
  public var separatorToken: Int32?
  public var textKey: String
  public var documentDelimiter: String?
  public var maximumTokens: Int?
  /// Whether `maximumTokens` left something out: the documents are a sample without replacement.
  public var isSampled = false
  /// Documents that were tokenised and kept.
  public var documents: Int
  /// Documents that were left out because they hold no text. With a sample this and the next two count what was read: a
  /// document is passed over unread once it cannot be part of the sample.
  public var emptyDocuments: Int
  /// Documents that were left out because an earlier one has the same text; nil if that was not asked for.
  public var duplicateDocuments: Int?
  /// Documents that were left out because they could not be read; `bad-lines.txt` lists them.
  public var badLines = 0
  /// Bytes of UTF-8 text in `documents`; of one that is cut, in proportion.
  public var textBytes: Int
  public var sources: [Source]

  /// nil where nothing separates the documents.
  public var boundary: DocumentBoundary? { DocumentBoundary(separator, token: separatorToken) }

  public var tokens: Int { train.tokens + (validation?.tokens ?? 0) }

  /// SHA-256 over the tokenizer's files in order of their names: of each the name, a zero byte, the size in decimal, a zero
  /// byte, the contents. Two directories with the same files have the same hash.
  public static func tokenizerHash(of files: [String]) throws -> String {
    var hash = SHA256()
    for path in files.sorted(by: { lastComponent($0).utf8.lexicographicallyPrecedes(lastComponent($1).utf8) }) {
      try MappedFile(path).withBytes { bytes in
        let head = Array(lastComponent(path).utf8) + [0] + Array(String(bytes.count).utf8) + [0]
        head.withUnsafeBytes { hash.update($0) }
        hash.update(bytes)
      }
    }
    return hash.hexDigest()
  }

  private static func lastComponent(_ path: String) -> Substring { path.split(separator: "/").last ?? path[...] }
}

extension DatasetDescription {
  var json: JSON {
    var splits: JSONObject = ["train": train.json]
    if let validation { splits["validation"] = validation.json }
    return .object([
      "format": .string(DatasetDescription.format),
      "version": .integer(1),
      "dtype": .string(storage.rawValue),
      "vocabulary_size": .integer(Int64(vocabularySize)),
      "tokenizer_sha256": .string(tokenizerHash),
      "splits": .object(splits),
      "validation_rule": .string(validationRule.rawValue),
      "validation_fraction": .number(validationFraction),
      // As text: JSON's numbers are not safe above 2^53.
      "seed": .string(String(seed)),
      "document_separator": .string(separator.rawValue),
      "separator_token": separatorToken.map { .integer(Int64($0)) } ?? .null,
      "text_key": .string(textKey),
      "document_delimiter": documentDelimiter.map { .string($0) } ?? .null,
      "max_tokens": maximumTokens.map { .integer(Int64($0)) } ?? .null,
      "sampled": .bool(isSampled),
      "documents": .integer(Int64(documents)),
      "empty_documents": .integer(Int64(emptyDocuments)),
      "duplicate_documents": duplicateDocuments.map { .integer(Int64($0)) } ?? .null,
      "bad_lines": .integer(Int64(badLines)),
      "text_bytes": .integer(Int64(textBytes)),
      "sources": .array(
        sources.map { .object(["path": .string($0.path), "bytes": .integer(Int64($0.bytes))]) }),
    ])
  }

  /// Reads `path`. The file is checked: every key has the right type, counts are not negative, file names stay in the directory.
  /// - Throws: `DatasetError.malformedDescription`, `FileError`.
  public init(path: String) throws {
    let reader = DescriptionReader(path: path)
    let root = try reader.root(format: DatasetDescription.format)
    storage = try reader.choice(root, "dtype")
    vocabularySize = try reader.count(root, "vocabulary_size")
    tokenizerHash = try reader.string(root, "tokenizer_sha256")
    let splits = root["splits"] ?? .null
    train = try reader.split(splits["train"], "splits.train")
    validation = splits["validation"] == nil ? nil : try reader.split(splits["validation"], "splits.validation")
    validationRule = try reader.choice(root, "validation_rule")
    guard let fraction = root["validation_fraction"]?.double else {
      throw reader.wrong("validation_fraction", expected: "a number")
    }
    validationFraction = fraction
    guard let seed = UInt64(try reader.string(root, "seed")) else {
      throw reader.wrong("seed", expected: "a whole number")
    }
    self.seed = seed
    separator = try reader.choice(root, "document_separator")
    separatorToken = Int32(exactly: root["separator_token"]?.integer ?? -1).flatMap { $0 < 0 ? nil : $0 }
    textKey = try reader.string(root, "text_key")
    documentDelimiter = root["document_delimiter"]?.string
    maximumTokens = root["max_tokens"]?.integer
    // Earlier versions took the head of the input, and left nothing else out.
    isSampled = root["sampled"]?.bool ?? false
    documents = try reader.count(root, "documents")
    emptyDocuments = try reader.count(root, "empty_documents")
    duplicateDocuments = try reader.optionalCount(root, "duplicate_documents")
    badLines = try reader.optionalCount(root, "bad_lines") ?? 0
    textBytes = try reader.count(root, "text_bytes")
    sources = []
    for source in root["sources"]?.array ?? [] {
      sources.append(Source(path: try reader.string(source, "path"), bytes: try reader.count(source, "bytes")))
    }
  }
}

extension DatasetDescription.Split {
  var json: JSON {
    var object: JSONObject = [
      "file": .string(file), "tokens": .integer(Int64(tokens)), "documents": .integer(Int64(documents)),
    ]
    object["documents_file"] = documentsFile.map { .string($0) }
    return .object(object)
  }
}

extension DescriptionReader {
  fileprivate func optionalCount(_ json: JSON, _ key: String) throws(DatasetError) -> Int? {
    guard let value = json[key], value != .null else { return nil }
    return try count(json, key)
  }

  fileprivate func split(_ json: JSON?, _ key: String) throws(DatasetError) -> DatasetDescription.Split {
    guard let json, json.object != nil else { throw wrong(key, expected: "an object") }
    let file = try string(json, "file")
    let documentsFile = json["documents_file"] == nil ? nil : try string(json, "documents_file")
    for (name, value) in [("file", file), ("documents_file", documentsFile ?? "-")] where !isFileName(value) {
      throw wrong("\(key).\(name)", expected: "the name of a file in the same directory")
    }
    return DatasetDescription.Split(
      file: file, tokens: try count(json, "tokens"), documents: try count(json, "documents"),
      documentsFile: documentsFile)
  }
}
