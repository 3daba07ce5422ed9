import Files
import Glibc

/// The directory that a preparation writes: which names are unfinished, which are final, and the step from one to the other.
///
/// While it exists it holds a lock on the directory, so that two preparations never write to the same one.
final class OutputDirectory {
  static let trainFile = "train.bin"
  static let validationFile = "validation.bin"
  private static let partialSuffix = ".partial"

  let path: String
  private let descriptor: Int32

  /// Makes the directory if it is missing, and locks it.
  /// - Throws: `FileError`, `DatasetError.outputBusy`.
  init(_ path: String) throws {
    self.path = path
    try FileTree.makeDirectory(path)
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw DatasetError.writeFailed(path: path, reason: systemReason()) }
    // A file system without locks is no reason to refuse; only a lock that someone holds is.
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { throw DatasetError.outputBusy(path: path) }
  }

  deinit { close(descriptor) }

  var trainPartial: String { train + OutputDirectory.partialSuffix }
  var validationPartial: String { validation + OutputDirectory.partialSuffix }
  private var train: String { path + "/" + OutputDirectory.trainFile }
  private var validation: String { path + "/" + OutputDirectory.validationFile }
  private var descriptionPath: String { path + "/" + DatasetDescription.fileName }
  private var statePath: String { path + "/" + PreparationState.fileName }

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
    if let (setting, before, now) = state.firstDifference(from: settings) {
      if replacing { return fresh }
      throw DatasetError.unfinishedWithOtherSettings(path: path, setting: setting, before: before, now: now)
    }
    state.replaces = state.replaces || replacing
    if state.phase == .writing, !state.replaces, let existing = finishedFile {
      throw DatasetError.outputExists(path: existing)
    }
    return state
  }

  private var finishedFile: String? { [descriptionPath, train, validation].first { access($0, F_OK) == 0 } }

  func save(_ state: PreparationState) throws { try state.save(statePath) }

  /// Gives the finished files their names. Each step can be repeated, `dataset.json` comes last, and the state goes after it.
  func commit(_ description: DatasetDescription, replaces: Bool) throws {
    // An old description must never stand beside new tokens.
    if replaces { try remove(descriptionPath) }
    let width = description.storage.bytes
    try rename(trainPartial, to: train, bytes: description.train.tokens * width)
    if let split = description.validation {
      try rename(validationPartial, to: validation, bytes: split.tokens * width)
    } else {
      try remove(validationPartial)
      if replaces { try remove(validation) }
    }
    try sync()
    try AtomicFile.write(descriptionPath) { try $0.write(description.json.serialized(indent: 1) + "\n") }
    try remove(statePath)
    try sync()
  }

  /// Removes everything unfinished.
  func discard() throws(DatasetError) {
    try remove(trainPartial)
    try remove(validationPartial)
    try remove(statePath)
  }

  /// Cuts `partial` to its final length and renames it; if it is gone, `final` must be it already.
  private func rename(_ partial: String, to final: String, bytes: Int) throws(DatasetError) {
    let file = open(partial, O_RDWR | O_CLOEXEC)
    if file < 0, errno == ENOENT {
      var status = stat()
      guard stat(final, &status) == 0, Int(status.st_size) == bytes else {
        throw .damagedState(path: final, reason: "the finished file is missing or has another size")
      }
      return
    }
    guard file >= 0 else { throw .writeFailed(path: partial, reason: systemReason()) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, Int(status.st_size) >= bytes else {
      throw .damagedState(path: partial, reason: "\(status.st_size) bytes, expected \(bytes)")
    }
    guard ftruncate(file, off_t(bytes)) == 0, fsync(file) == 0, Glibc.rename(partial, final) == 0 else {
      throw .writeFailed(path: final, reason: systemReason())
    }
  }

  private func remove(_ file: String) throws(DatasetError) {
    guard unlink(file) == 0 || errno == ENOENT else { throw .writeFailed(path: file, reason: systemReason()) }
  }

  private func sync() throws(DatasetError) {
    // Some file systems cannot sync a directory (EINVAL); the renames are atomic there all the same.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw .writeFailed(path: path, reason: systemReason()) }
  }
}
