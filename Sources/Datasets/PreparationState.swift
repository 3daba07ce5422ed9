import Files
import Glibc

/// How far a preparation has come: written beside the unfinished token files, so that the same command goes on after any end.
struct PreparationState {
  static let fileName = "prepare.state.json"

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
  var consumed = 0
  var documents = 0
  var emptyDocuments = 0
  var textBytes = 0
  var trainTokens = 0
  var trainDocuments = 0
  var validationTokens = 0
  var validationDocuments = 0
  var validationRule = DatasetDescription.ValidationRule.none

  var tokens: Int { trainTokens + validationTokens }

  init(settings: JSONObject, replaces: Bool) {
    self.settings = settings
    self.replaces = replaces
  }
}

extension PreparationState {
  private static let counts: [(String, WritableKeyPath<PreparationState, Int> & Sendable)] = [
    ("file", \.position.file), ("offset", \.position.offset), ("line", \.position.line), ("consumed", \.consumed),
    ("documents", \.documents), ("empty_documents", \.emptyDocuments), ("text_bytes", \.textBytes),
    ("train_tokens", \.trainTokens), ("train_documents", \.trainDocuments),
    ("validation_tokens", \.validationTokens), ("validation_documents", \.validationDocuments),
  ]

  func save(_ path: String) throws {
    var object: JSONObject = [
      "version": .integer(1), "phase": .string(phase.rawValue), "replaces": .bool(replaces),
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
    guard root["version"]?.integer == 1, let settings = root["settings"]?.object,
      let replaces = root["replaces"]?.bool, let phase = root["phase"]?.string.flatMap(Phase.init(rawValue:)),
      let rule = root["validation_rule"]?.string.flatMap(DatasetDescription.ValidationRule.init(rawValue:))
    else { throw DatasetError.damagedState(path: path, reason: "written by another version") }
    var state = PreparationState(settings: settings, replaces: replaces)
    state.phase = phase
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
    return state
  }

  /// The first setting that differs from `other`: its name and both values, shortened.
  func firstDifference(from other: JSONObject) -> (setting: String, before: String, now: String)? {
    for (key, now) in other where settings[key] != now {
      if key == "inputs", let before = settings[key]?.array, let now = now.array {
        if before.count != now.count { return ("inputs", "\(before.count) files", "\(now.count) files") }
        for (old, new) in zip(before, now) where old != new {
          return ("input", old.serialized(), new.serialized())
        }
      }
      return (key, settings[key]?.serialized() ?? "absent", now.serialized())
    }
    return nil
  }
}
