import Glibc

/// What can be wrong with text on its way to tokens, or with tokens on their way to batches.
/// Every message is one line that names the file and, for text, the line or the byte offset.
public enum DatasetError: Error, Sendable, Equatable, CustomStringConvertible {
  // Input text
  case noInputs
  case inputNotFound(path: String)
  case noMatch(pattern: String)
  case emptyDirectory(path: String)
  case unknownExtension(path: String)
  case notARegularFile(path: String)
  case sameFileTwice(first: String, second: String)
  case unreadable(path: String, reason: String)
  /// `offset` counts bytes of the file as it is stored (compressed).
  case truncatedStream(path: String, format: String, offset: Int)
  case corruptStream(path: String, format: String, offset: Int, reason: String)
  case windowTooLarge(path: String)
  /// `location` is `file:line`, or `file, byte N` of the uncompressed text.
  case malformedJSON(location: String, reason: String)
  case missingTextKey(location: String, key: String, found: [String])
  case textNotAString(location: String, key: String, found: String)
  case invalidUTF8(location: String)
  case documentTooLong(location: String, limit: Int)
  case noPlaceToCut(location: String, limit: Int)
  /// `last` is what was wrong with the last of the `count`.
  case tooManyBadLines(count: Int, limit: Int, last: String)

  // Preparation
  case invalidOption(name: String, value: String, expected: String)
  case missingDomain(name: String, reason: String)
  case emptyDomain(name: String, inputs: Int)
  case noSeparatorToken(separator: String)
  case tokenOutsideTokenizer(location: String, token: Int, vocabularySize: Int)
  case nothingToPrepare(inputs: Int)
  case outputExists(path: String)
  case outputBusy(path: String)
  case unfinishedWithOtherSettings(path: String, setting: String, before: String, now: String)
  case damagedState(path: String, reason: String)
  case writeFailed(path: String, reason: String)

  // Token files
  case unfinished(path: String)
  case malformedDescription(path: String, reason: String)
  case missingSplit(path: String, split: String, expected: String)
  case textInsteadOfTokens(path: String)
  case foreignTokenFile(path: String, what: String)
  case malformedTokenFile(path: String, format: TokenFormat, reason: String)
  case emptyTokenFile(path: String)
  case partialToken(path: String, bytes: Int, bytesPerToken: Int)
  case countMismatch(path: String, expected: Int, found: Int)
  case tokenOutsideVocabulary(path: String, position: Int, token: Int, vocabularySize: Int)

  // Batches
  case noSources
  case invalidWeight(source: String, weight: Double)
  case invalidSequenceLength(Int)
  case invalidRowCount(Int)
  case sequenceLongerThanData(path: String, tokens: Int, sequenceLength: Int)
  case mixtureInsideSource(path: String)
  case unknownBoundary(path: String)
  case invalidShard(rank: Int, count: Int, globalBatch: Int)
  case stateMismatch(what: String, saved: String, current: String)

  public var description: String {
    switch self {
    case .noInputs: "no input files were given"
    case .inputNotFound(let path): "\(path): no such file or directory"
    case .noMatch(let pattern): "\(pattern): no file matches this pattern"
    case .emptyDirectory(let path): "\(path): no \(InputFile.acceptedExtensions) file in this directory"
    case .unknownExtension(let path): "\(path): unknown kind of file; expected \(InputFile.acceptedExtensions)"
    case .notARegularFile(let path): "\(path): not a regular file"
    case .sameFileTwice(let first, let second):
      first == second ? "\(first): given twice" : "\(second): the same file as \(first), given twice"
    case .unreadable(let path, let reason): "\(path): cannot be read: \(reason)"
    case .truncatedStream(let path, let format, let offset):
      "\(path): truncated \(format) stream: the file ends at byte \(offset) inside a frame; fetch it again"
    case .corruptStream(let path, let format, let offset, let reason):
      "\(path): corrupt \(format) stream near byte \(offset): \(reason)"
    case .windowTooLarge(let path):
      "\(path): needs a zstd window above 128 MiB (made with zstd --long=28 or more); recompress it without --long"
    case .malformedJSON(let location, let reason):
      "\(location): not a JSON object on a line of its own: \(reason)"
    case .missingTextKey(let location, let key, let found):
      "\(location): no key '\(key)'; the keys are \(found.isEmpty ? "none" : found.joined(separator: ", ")) (--text-key)"
    case .textNotAString(let location, let key, let found):
      "\(location): '\(key)' holds \(found), expected a string"
    case .invalidUTF8(let location): "\(location): the text is not valid UTF-8"
    case .documentTooLong(let location, let limit): "\(location): a document longer than \(limit) bytes"
    case .noPlaceToCut(let location, let limit):
      "\(location): \(limit) bytes of text without a space or a line break at which the tokenizer could cut them"
    case .tooManyBadLines(_, 0, let last):
      "\(last); --max-bad-lines N leaves up to N such documents out, and lists them"
    case .tooManyBadLines(let count, let limit, let last):
      "\(count) documents cannot be read, more than --max-bad-lines \(limit) allows; the last one is \(last); "
        + "with a higher limit the same command goes on"
    case .invalidOption(let name, let value, let expected): "\(name): expected \(expected), found \(value)"
    case .missingDomain(let name, let reason):
      "domain '\(name)': \(reason); --skip-missing-domains leaves it out and gives its share to the others"
    case .emptyDomain(let name, let inputs):
      "domain '\(name)': no text in \(inputs) input file\(inputs == 1 ? "" : "s"); leave the domain out"
    case .noSeparatorToken(let separator):
      "document separator '\(separator)': the tokenizer has no end-of-text token; use --document-separator none"
    case .tokenOutsideTokenizer(let location, let token, let vocabularySize):
      "\(location): the tokenizer gave id \(token), outside its own vocabulary of \(vocabularySize)"
    case .nothingToPrepare(let inputs): "no text in \(inputs) input file\(inputs == 1 ? "" : "s"): nothing to prepare"
    case .outputExists(let path): "\(path): exists already; choose another --output, or give --force to replace it"
    case .outputBusy(let path): "\(path): another prepare is writing here"
    case .unfinishedWithOtherSettings(let path, let setting, let before, let now):
      "\(path): holds an unfinished preparation with other settings (\(setting) was \(before), is now \(now)); "
        + "repeat the earlier command to finish it, or give --force to start anew"
    case .damagedState(let path, let reason):
      "\(path): the state of the unfinished preparation cannot be used: \(reason); give --force to start anew"
    case .writeFailed(let path, let reason): "\(path): cannot be written: \(reason)"
    case .unfinished(let path): "\(path): the preparation was not finished; run the same prepare command again"
    case .malformedDescription(let path, let reason): "\(path): \(reason)"
    case .missingSplit(let path, let split, let expected): "\(path): has no \(split) tokens (expected \(expected))"
    case .textInsteadOfTokens(let path): "\(path): text, expected tokens; make them with inheritune prepare"
    case .foreignTokenFile(let path, let what): "\(path): expected tokens, found \(what)"
    case .malformedTokenFile(let path, let format, let reason):
      "\(path): not a whole \(format.rawValue) token file: \(reason)"
    case .emptyTokenFile(let path): "\(path): holds no tokens"
    case .partialToken(let path, let bytes, let bytesPerToken):
      "\(path): \(bytes) bytes is not a whole number of \(bytesPerToken)-byte tokens; the file is cut or of another type"
    case .countMismatch(let path, let expected, let found):
      "\(path): \(found) tokens, but dataset.json says \(expected); the file is cut or was replaced"
    case .tokenOutsideVocabulary(let path, let position, let token, let vocabularySize):
      "\(path): token \(position) is id \(token), outside the model's vocabulary of \(vocabularySize); "
        + "prepare the data with the model's tokenizer"
    case .noSources: "no token files were given"
    case .invalidWeight(let source, let weight): "\(source): weight \(weight), expected a finite number above 0"
    case .invalidSequenceLength(let length): "sequence length \(length), expected 1 or more"
    case .invalidRowCount(let rows): "\(rows) rows in a batch, expected 1 or more"
    case .sequenceLongerThanData(let path, let tokens, let sequenceLength):
      "\(path): \(tokens) tokens, but one sequence of length \(sequenceLength) needs \(sequenceLength) + 1"
    case .mixtureInsideSource(let path):
      "\(path): a mixture, which has weights of its own; name it alone, or the directories of its domains"
    case .unknownBoundary(let path):
      "\(path): nothing says which token separates the documents; give data.document_separator: "
        + "{token: ID, side: append or prepend}, or leave out data.document_masking"
    case .invalidShard(let rank, let count, let globalBatch):
      "shard \(rank) of \(count) of \(globalBatch) sequences: expected a rank below the number of shards, and a number "
        + "that divides the sequences"
    case .stateMismatch(let what, let saved, let current):
      "the saved position in the data does not fit: \(what) was \(saved), is now \(current)"
    }
  }
}

/// The system's words for the current `errno`.
func systemReason(_ code: Int32 = errno) -> String { String(cString: strerror(code)) }
