import Files
import Glibc

/// The directory of a run:
///
///     config.yaml  metrics.jsonl  checkpoints/step-00001000/  checkpoints/latest → step-00001000
///     profile.json                                             of a session that was profiled
///
/// Holds a lock while it exists, so that two processes never train into one directory.
final class RunDirectory {
  static let recipeFile = "config.yaml"
  /// The comment that begins a config.yaml which a run wrote; another one is the user's, and stays.
  static let recipeMark = "The recipe of this run, as inheritune read it."
  private static let prefix = "step-"
  private static let latest = "latest"
  /// The name of a checkpoint that is being removed begins with it.
  private static let removing = ".removing-"

  let path: String
  private let isNew: Bool
  private let descriptor: Int32

  /// Makes the directory if need be, locks it, and removes what a killed session left unfinished.
  /// - Throws: `TrainingError.runBusy`, `FileError`.
  init(_ path: String) throws {
    self.path = path
    isNew = !FileTree.exists(path)
    try FileTree.makeDirectory(path)
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw TrainingError.writeFailed(path: path, reason: systemReason()) }
    // From here on `deinit` closes it, also when this throws. A file system without locks is no reason to refuse; only
    // a lock that someone holds is.
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { throw TrainingError.runBusy(directory: path) }
    try removeUnfinished()
  }

  deinit {
    // A run that came to nothing leaves nothing; a directory with something in it stays.
    if isNew { rmdir(path) }
    close(descriptor)
  }

  var recipePath: String { path + "/" + RunDirectory.recipeFile }
  var metricsPath: String { path + "/" + MetricsFile.fileName }
  var profilePath: String { path + "/profile.json" }
  private var checkpointsPath: String { path + "/checkpoints" }

  /// `step-00001000`: wide enough to sort by name.
  func checkpointPath(step: Int) -> String {
    let digits = String(step)
    return
      "\(checkpointsPath)/\(RunDirectory.prefix)\(String(repeating: "0", count: max(0, 8 - digits.count)))\(digits)"
  }

  /// The steps that have a checkpoint directory, the newest first.
  func checkpointSteps() throws(FileError) -> [Int] {
    guard FileTree.exists(checkpointsPath) else { return [] }
    return try FileTree.names(in: checkpointsPath).compactMap { name in
      guard name.hasPrefix(RunDirectory.prefix), let step = Int(name.dropFirst(RunDirectory.prefix.count)), step > 0,
        checkpointPath(step: step).hasSuffix("/" + name)
      else { return nil }
      return step
    }.sorted(by: >)
  }

  /// What of an earlier run is here, nil when nothing is.
  func existingFile() throws -> String? {
    if try !checkpointSteps().isEmpty { return "checkpoints" }
    if FileTree.exists(metricsPath) { return MetricsFile.fileName }
    return try foreignFile()
  }

  /// A file that a run would replace though no run has written it.
  func foreignFile() throws -> String? {
    guard FileTree.exists(recipePath) else { return FileTree.exists(metricsPath) ? MetricsFile.fileName : nil }
    let isOurs = try MappedFile(recipePath).text.hasPrefix("# \(RunDirectory.recipeMark)\n")
    return isOurs ? nil : "a \(RunDirectory.recipeFile) that no run has written"
  }

  /// Makes `checkpoints/latest` a link to the checkpoint of `step`, in one step.
  func pointLatest(to step: Int) throws {
    let name = checkpointPath(step: step).split(separator: "/").last.map(String.init) ?? ""
    let link = checkpointsPath + "/" + RunDirectory.latest
    let partial = "\(checkpointsPath)/.\(RunDirectory.latest).partial-\(getpid())"
    guard unlink(partial) == 0 || errno == ENOENT, symlink(name, partial) == 0, rename(partial, link) == 0 else {
      throw TrainingError.writeFailed(path: link, reason: systemReason())
    }
    try FileTree.synchronizeEntry(checkpointsPath)
  }

  /// Removes all but the `keep` newest checkpoints up to a step; later ones are damaged ones that the run has passed
  /// over. Each gets a hidden name first: no half-removed one is ever left under a checkpoint's name.
  func prune(upTo last: Int, keeping keep: Int) throws {
    for step in try checkpointSteps().filter({ $0 <= last }).dropFirst(keep) {
      let path = checkpointPath(step: step)
      let aside = "\(checkpointsPath)/\(RunDirectory.removing)\(step)"
      guard rename(path, aside) == 0 else { throw TrainingError.writeFailed(path: path, reason: systemReason()) }
      try FileTree.remove(aside)
    }
  }

  /// Removes hidden names: checkpoints that were not finished, or not removed to the end. With the run locked, nobody
  /// is at it.
  private func removeUnfinished() throws(FileError) {
    guard FileTree.exists(checkpointsPath) else { return }
    for name in try FileTree.names(in: checkpointsPath) {
      let isPartial = name.hasPrefix(".\(RunDirectory.prefix)") || name.hasPrefix(".\(RunDirectory.latest).")
      if isPartial || name.hasPrefix(RunDirectory.removing) { try FileTree.remove(checkpointsPath + "/" + name) }
    }
  }
}
