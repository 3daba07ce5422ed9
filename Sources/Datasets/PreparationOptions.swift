import Files

/// What a preparation is asked to do. Everything here but `maximumBadLines`, `workers`, `checkpointInterval` and
/// `replacesExisting` shapes the result, and must be the same when it is run again to go on.
public struct PreparationOptions: Sendable {
  /// The key of a JSON line that holds the text.
  public var textKey = "text"
  /// What stands between the documents of a .txt file, for example `<|endoftext|>`; a line break just before and one just after
  /// it belong to it. Without it a .txt file is one document.
  public var documentDelimiter: String?
  public var separator = DocumentSeparator.append
  /// The share of the data that becomes validation data, 0 ..< 1; nanoGPT's value for OpenWebText is the default.
  public var validationFraction = 0.0005
  /// Chooses the validation documents and the sample, independently; the default is the seed of nanoGPT's OpenWebText split.
  public var seed: UInt64 = 2357
  /// A sample of so many tokens (train and validation together): whole documents, drawn at random without replacement over
  /// all of the input, in the order of the input; only the last one drawn is cut. Nil takes everything, and so does an
  /// input with fewer tokens. The whole input is read, but little of it is tokenised.
  public var maximumTokens: Int?
  /// Leaves documents out whose text is that of an earlier one, byte by byte. With `maximumTokens` the sample is drawn from
  /// the distinct texts, for which every document has to be parsed.
  public var deduplicates = false
  /// Writes `train.documents` and `validation.documents`: the number of tokens of each document, raw little-endian uint32.
  public var keepsDocumentLengths = false
  /// Documents that cannot be read are left out and listed in `bad-lines.txt`; more than so many are an error.
  public var maximumBadLines = 0
  /// The longest JSON line, and the longest text without a place at which the tokenizer can cut it (bytes): so much has to
  /// be held whole. A longer one counts as a bad line.
  public var maximumDocumentBytes = 32 << 20
  public var workers = 1
  /// Seconds between two saves of the state.
  public var checkpointInterval = 5.0
  public var replacesExisting = false

  public init() {}

  func validate() throws(DatasetError) {
    guard validationFraction >= 0, validationFraction < 1 else {
      throw .invalidOption(
        name: "--validation-fraction", value: "\(validationFraction)", expected: "a number from 0 to below 1")
    }
    guard maximumTokens.map({ DatasetDescription.counts.contains($0) && $0 > 0 }) ?? true else {
      throw .invalidOption(
        name: "--max-tokens", value: "\(maximumTokens ?? 0)",
        expected: "1 to \(DatasetDescription.counts.upperBound)")
    }
    guard maximumBadLines >= 0 else {
      throw .invalidOption(name: "--max-bad-lines", value: "\(maximumBadLines)", expected: "0 or more")
    }
    guard workers >= 1, workers <= 1024 else {
      throw .invalidOption(name: "--workers", value: "\(workers)", expected: "1 to 1024")
    }
    guard documentDelimiter != "" else {
      throw .invalidOption(name: "--document-delimiter", value: "nothing", expected: "at least one character")
    }
    guard maximumDocumentBytes > 0, maximumDocumentBytes <= 1 << 30 else {
      throw .invalidOption(
        name: "longest document", value: "\(maximumDocumentBytes)", expected: "1 byte to \(1 << 30) bytes")
    }
  }

  /// The settings that a resumed preparation must share, the inputs included.
  func fingerprint(
    files: [InputFile], tokenizerHash: String, vocabularySize: Int, separatorToken: Int32?
  ) -> JSONObject {
    [
      "tokenizer": .string(tokenizerHash),
      "vocabulary size": .integer(Int64(vocabularySize)),
      "--text-key": .string(textKey),
      "--document-delimiter": documentDelimiter.map { .string($0) } ?? .null,
      "--document-separator": .string(separator.rawValue),
      "separator token": separatorToken.map { .integer(Int64($0)) } ?? .null,
      "--validation-fraction": .number(validationFraction),
      "--sample-seed": .string(String(seed)),
      "--max-tokens": maximumTokens.map { .integer(Int64($0)) } ?? .null,
      "--deduplicate": .bool(deduplicates),
      "document lengths": .bool(keepsDocumentLengths),
      "longest document": .integer(Int64(maximumDocumentBytes)),
      "inputs": .array(
        files.map {
          .object([
            "path": .string($0.path), "bytes": .integer(Int64($0.size)), "modified": .integer(Int64($0.modified)),
          ])
        }),
    ]
  }
}
