import Files
import Glibc

/// The directory that a preparation writes: which names are unfinished, which are final, and the step from one to the other.
///
/// While it exists it holds a lock on the directory, so that two preparations never write to the same one.
final class OutputDirectory {
  /// Files of the result beside `dataset.json`.
  enum File: String, CaseIterable {
    case train = "train.bin"
    case validation = "validation.bin"
    case trainDocuments = "train.documents"
    case validationDocuments = "validation.documents"
    case badLines = "bad-lines.txt"
  }

  /// A file of the result, complete but for its length and its name.
  struct FinishedFile {
    var file: File
    var bytes: Int
    /// What its last four bytes must become (little-endian); 0 leaves them.
    var lastWord = 0
  }

  /// What no preparation takes for input.
  static let textFiles = [DatasetDescription.fileName, PreparationState.fileName, File.badLines.rawValue]

  private static let partialSuffix = ".partial"
  private static let setFile = "documents.set"
  private static let samplePrefix = "sample-"

  private let lock: DirectoryLock

  /// Makes the directory if it is missing, and locks it.
  /// - Throws: `FileError`, `DatasetError.outputBusy`.
  init(_ path: String) throws { lock = try DirectoryLock(path) }

  var path: String { lock.path }

  func final(_ file: File) -> String { path + "/" + file.rawValue }
  func partial(_ file: File) -> String { final(file) + OutputDirectory.partialSuffix }

  /// See `DocumentSet`.
  var setPath: String { path + "/" + OutputDirectory.setFile + OutputDirectory.partialSuffix }

  /// See `SampleFiles`.
  func sampleTokens(_ generation: Int) -> String { path + "/" + OutputDirectory.sampleName(generation, "tokens") }
  func sampleIndex(_ generation: Int) -> String { path + "/" + OutputDirectory.sampleName(generation, "index") }

  private static func sampleName(_ generation: Int, _ kind: String) -> String {
    "\(samplePrefix)\(generation).\(kind)\(partialSuffix)"
  }

  private var descriptionPath: String { path + "/" + DatasetDescription.fileName }
  private var statePath: String { path + "/" + PreparationState.fileName }

  // MARK: - State

  /// The state to go on from: the unfinished one that is here, if its settings are these, or a new one.
  /// - Throws: `DatasetError` when finished output, or the unfinished output of other settings, would be lost.
  func state(for settings: JSONObject, replacing: Bool) throws -> PreparationState {
    let fresh = PreparationState(settings: settings, replaces: replacing)
    let found: PreparationState?
    do { found = try PreparationState.load(statePath) } catch let error as DatasetError {
      if replacing { return fresh }
      throw error
    }
    guard var state = found else {
      if !replacing, let existing = finishedFile { throw DatasetError.outputExists(path: existing) }
      return fresh
    }
    if let (setting, before, now) = state.settings.firstDifference(from: settings) {
      if replacing { return fresh }
      throw DatasetError.unfinishedWithOtherSettings(path: path, setting: setting, before: before, now: now)
    }
    state.replaces = state.replaces || replacing
    if state.phase == .writing, !state.replaces, let existing = finishedFile {
      throw DatasetError.outputExists(path: existing)
    }
    return state
  }

  private var finishedFile: String? {
    ([descriptionPath] + File.allCases.map(final)).first { access($0, F_OK) == 0 }
  }

  func save(_ state: PreparationState) throws { try state.save(statePath) }

  // MARK: - The last step

  /// Gives the finished files their names. Each step can be repeated, `dataset.json` comes last, and the state goes after it.
  func commit(
    _ finished: [FinishedFile], _ description: DatasetDescription, replaces: Bool, killPoints: KillPoints?
  ) throws {
    // An old description must never stand beside new tokens.
    if replaces { try remove(descriptionPath) }
    for file in finished {
      try killPoints?.pass()
      try rename(file)
    }
    for file in File.allCases where !finished.contains(where: { $0.file == file }) {
      try remove(partial(file))
      if replaces { try remove(final(file)) }
    }
    try killPoints?.pass()
    try lock.sync()
    try AtomicFile.write(descriptionPath) { try $0.write(description.json.serialized(indent: 1) + "\n") }
    try killPoints?.pass()
    try removeScratch()
    try killPoints?.pass()
    try remove(statePath)
    try lock.sync()
  }

  /// Removes everything unfinished.
  func discard() throws {
    for file in File.allCases { try remove(partial(file)) }
    try removeScratch()
    try remove(statePath)
  }

  /// Removes the files of `DocumentSample`, but for one generation.
  func removeSamples(except generation: Int? = nil) throws {
    let kept = generation.map { [sampleTokens($0), sampleIndex($0)] } ?? []
    for name in try FileTree.names(in: path) where name.hasPrefix(OutputDirectory.samplePrefix) {
      let file = path + "/" + name
      if name.hasSuffix(OutputDirectory.partialSuffix), !kept.contains(file) { try remove(file) }
    }
  }

  private func removeScratch() throws {
    try removeSamples()
    try remove(setPath)
    try remove(DocumentSet.grownPath(setPath))
  }

  /// Cuts a file to its final length and renames it; if it is gone, the final one must be it already.
  private func rename(_ finished: FinishedFile) throws(DatasetError) {
    let (partial, final) = (partial(finished.file), final(finished.file))
    let file = open(partial, O_RDWR | O_CLOEXEC)
    if file < 0, errno == ENOENT {
      var status = stat()
      guard stat(final, &status) == 0, Int(status.st_size) == finished.bytes else {
        throw .damagedState(path: final, reason: "the finished file is missing or has another size")
      }
      return
    }
    guard file >= 0 else { throw .writeFailed(path: partial, reason: systemReason()) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, Int(status.st_size) >= finished.bytes else {
      throw .damagedState(path: partial, reason: "\(status.st_size) bytes, expected \(finished.bytes)")
    }
    if finished.lastWord > 0 {
      var word = UInt32(clamping: finished.lastWord).littleEndian
      guard pwrite(file, &word, 4, off_t(finished.bytes - 4)) == 4 else {
        throw .writeFailed(path: partial, reason: systemReason())
      }
    }
    guard ftruncate(file, off_t(finished.bytes)) == 0, fsync(file) == 0, Glibc.rename(partial, final) == 0 else {
      throw .writeFailed(path: final, reason: systemReason())
    }
  }

  private func remove(_ file: String) throws(DatasetError) {
    guard unlink(file) == 0 || errno == ENOENT else { throw .writeFailed(path: file, reason: systemReason()) }
  }
}
