import Files
import Tokenization

/// What a preparation is asked to do. Everything here but `workers`, `checkpointInterval` and `replacesExisting` shapes the result.
public struct PreparationOptions: Sendable {
  /// The key of a JSON line that holds the text.
  public var textKey = "text"
  /// What stands between the documents of a .txt file, for example `<|endoftext|>`; a line break just before and one just after
  /// it belong to it. Without it a .txt file is one document.
  public var documentDelimiter: String?
  public var separator = DocumentSeparator.append
  /// The share of the data that becomes validation data, 0 ..< 1; nanoGPT's value for OpenWebText is the default.
  public var validationFraction = 0.0005
  /// Chooses the validation documents; the default is the seed of nanoGPT's OpenWebText split.
  public var seed: UInt64 = 2357
  /// Stop after so many tokens (train and validation together), cutting the last document.
  public var maximumTokens: Int?
  /// A longer document is an error: it has to be held whole.
  public var maximumDocumentBytes = 1 << 30
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
    guard maximumTokens.map({ $0 > 0 }) ?? true else {
      throw .invalidOption(name: "--max-tokens", value: "\(maximumTokens ?? 0)", expected: "1 or more")
    }
    guard workers >= 1, workers <= 1024 else {
      throw .invalidOption(name: "--workers", value: "\(workers)", expected: "1 to 1024")
    }
    guard documentDelimiter != "" else {
      throw .invalidOption(name: "--document-delimiter", value: "nothing", expected: "at least one character")
    }
    guard maximumDocumentBytes > 0 else {
      throw .invalidOption(name: "longest document", value: "\(maximumDocumentBytes)", expected: "1 byte or more")
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
      "inputs": .array(
        files.map {
          .object([
            "path": .string($0.path), "bytes": .integer(Int64($0.size)), "modified": .integer(Int64($0.modified)),
          ])
        }),
    ]
  }
}

/// How far a preparation is.
public struct PreparationProgress: Sendable, Equatable {
  /// Documents tokenised, empty ones not counted.
  public var documents: Int
  /// Tokens of both splits.
  public var tokens: Int
  /// Bytes of UTF-8 text tokenised.
  public var textBytes: Int
  /// Bytes of the input files, as stored, that were taken so far, and of all of them.
  public var bytesRead: Int
  public var bytesTotal: Int
}

/// What the caller wants after each report.
public enum PreparationDecision: Sendable {
  case `continue`
  /// Save the state and return; the same preparation goes on from there.
  case stop
}

public enum PreparationOutcome: Sendable {
  case finished(DatasetDescription)
  case stopped(PreparationProgress)
}
