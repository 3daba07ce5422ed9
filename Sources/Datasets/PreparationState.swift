import Files
import Glibc

/// How far a preparation has come: written beside the unfinished files, so that the same command goes on after any end.
struct PreparationState {
  static let fileName = "prepare.state.json"
  private static let version = 2

  enum Phase: String {
    /// Documents are being tokenised; the counts and the position are those of the last sync.
    case writing
    /// Both token files are complete and on the disk; what is left is to cut and rename them. Can be repeated.
    case committing
  }

  /// Everything that the result depends on.
  var settings: JSONObject
  /// Earlier output may be replaced (--force).
  var replaces: Bool
  var phase = Phase.writing
  var position = InputPosition()
  /// The document in which `position` lies.
  var open = OpenDocument()
  var consumed = 0
  /// Documents that were kept; with a sample, those that may be part of it, until it is complete.
  var documents = 0
  var textBytes = 0
  var emptyDocuments = 0
  var duplicateDocuments = 0
  var badLines = 0
  var badLineBytes = 0
  /// Hashes in the `DocumentSet`.
  var distinctTexts = 0
  var sample = SampleState()
  var isSampled = false
  var train = SplitState()
  var validation = SplitState()
  var validationRule = DatasetDescription.ValidationRule.none

  var tokens: Int { train.tokens + validation.tokens }

  init(settings: JSONObject, replaces: Bool) {
    self.settings = settings
    self.replaces = replaces
  }
}

/// A document of which some pieces were written.
struct OpenDocument {
  enum Status: String {
    /// Nothing but white space so far.
    case blank
    case text
    /// The rest cannot be part of a sample any more.
    case full
    /// It is left out.
    case passed
  }

  var status = Status.blank
  var tokens = 0
  var textBytes = 0
}

/// What was written to the files of one split.
struct SplitState {
  var tokens = 0
  var documents = 0
  /// Entries of the file of lengths.
  var lengths = 0
  /// What the last of these becomes in the end; 0 leaves it.
  var lastLength = 0
}

/// What was written to the files of `DocumentSample`, and which keys it admits.
struct SampleState {
  var generation = 0
  var tokens = 0
  var entries = 0
  var shift = KeyHistogram().shift
  var bins = KeyHistogram.mostBins
  /// Tokens whose keys are admitted.
  var candidateTokens = 0
}

extension PreparationState {
  private static let counts: [(String, WritableKeyPath<PreparationState, Int> & Sendable)] = [
    ("file", \.position.file), ("offset", \.position.offset), ("line", \.position.line),
    ("document", \.position.document), ("document_bytes", \.position.documentBytes),
    ("open_tokens", \.open.tokens), ("open_text_bytes", \.open.textBytes), ("consumed", \.consumed),
    ("documents", \.documents), ("text_bytes", \.textBytes), ("empty_documents", \.emptyDocuments),
    ("duplicate_documents", \.duplicateDocuments), ("bad_lines", \.badLines), ("bad_line_bytes", \.badLineBytes),
    ("distinct_texts", \.distinctTexts), ("sample_generation", \.sample.generation),
    ("sample_tokens", \.sample.tokens), ("sample_entries", \.sample.entries), ("sample_shift", \.sample.shift),
    ("sample_bins", \.sample.bins), ("sample_candidate_tokens", \.sample.candidateTokens),
    ("train_tokens", \.train.tokens), ("train_documents", \.train.documents), ("train_lengths", \.train.lengths),
    ("train_last_length", \.train.lastLength), ("validation_tokens", \.validation.tokens),
    ("validation_documents", \.validation.documents), ("validation_lengths", \.validation.lengths),
  ]

  func save(_ path: String) throws {
    var object: JSONObject = [
      "version": .integer(Int64(PreparationState.version)), "phase": .string(phase.rawValue),
      "replaces": .bool(replaces), "open": .string(open.status.rawValue), "sampled": .bool(isSampled),
      "validation_rule": .string(validationRule.rawValue), "settings": .object(settings),
    ]
    for (name, field) in PreparationState.counts { object[name] = .integer(Int64(self[keyPath: field])) }
    try AtomicFile.write(path) { file in try file.write(JSON.object(object).serialized(indent: 1) + "\n") }
  }

  /// The state at `path`, or nil if there is none.
  /// - Throws: `DatasetError.damagedState`, `FileError`.
  static func load(_ path: String) throws -> PreparationState? {
    guard access(path, F_OK) == 0 else { return nil }
    let root: JSON
    do { root = try JSON(contentsOf: path) } catch let error as JSONError {
      throw DatasetError.damagedState(path: path, reason: "\(error)")
    }
    guard root["version"]?.integer == version, let settings = root["settings"]?.object,
      let replaces = root["replaces"]?.bool, let phase = root["phase"]?.string.flatMap(Phase.init(rawValue:)),
      let open = root["open"]?.string.flatMap(OpenDocument.Status.init(rawValue:)),
      let sampled = root["sampled"]?.bool,
      let rule = root["validation_rule"]?.string.flatMap(DatasetDescription.ValidationRule.init(rawValue:))
    else { throw DatasetError.damagedState(path: path, reason: "written by another version") }
    var state = PreparationState(settings: settings, replaces: replaces)
    state.phase = phase
    state.open.status = open
    state.isSampled = sampled
    state.validationRule = rule
    for (name, field) in counts {
      guard let value = root[name]?.integer, DatasetDescription.counts.contains(value) else {
        throw DatasetError.damagedState(path: path, reason: "'\(name)' is not a count")
      }
      state[keyPath: field] = value
    }
    let inputs = settings["inputs"]?.array?.count ?? 0
    guard state.position.file <= inputs else {
      throw DatasetError.damagedState(path: path, reason: "it stands in input \(state.position.file) of \(inputs)")
    }
    guard state.position.documentBytes > 0 || state.open.tokens == 0 else {
      throw DatasetError.damagedState(path: path, reason: "'open_tokens' of no document")
    }
    guard (1...KeyHistogram.mostBins).contains(state.sample.bins), state.sample.shift <= KeyHistogram().shift else {
      throw DatasetError.damagedState(path: path, reason: "'sample_bins' or 'sample_shift' is too large")
    }
    return state
  }
}
