import Files
import Glibc

/// How far a mixture has come: written beside the unfinished domains, so that the same command goes on after any end.
struct MixtureState {
  enum Phase: String {
    /// Domains are being prepared.
    case writing
    /// All are complete; what is left is to give them their names. Can be repeated.
    case committing
  }

  /// Everything that the result depends on.
  var settings: JSONObject
  /// Earlier output may be replaced (--force).
  var replaces: Bool
  var phase = Phase.writing
  /// There was a state to go on from.
  var isResumed = false
}

/// The directory of a mixture. Domains are prepared in a directory in it, and move up when all of them are complete.
///
/// While it exists it holds a lock on the directory, so that two preparations never write to the same one.
final class MixtureDirectory {
  private static let workingName = "domains.partial"

  private let lock: DirectoryLock

  /// Makes the directory if it is missing, and locks it.
  /// - Throws: `FileError`, `DatasetError.outputBusy`.
  init(_ path: String) throws { lock = try DirectoryLock(path) }

  private var path: String { lock.path }
  private var descriptionPath: String { path + "/" + DatasetDescription.fileName }
  private var statePath: String { path + "/" + PreparationState.fileName }
  private var workingPath: String { path + "/" + MixtureDirectory.workingName }

  /// Where a domain is prepared.
  func working(_ domain: String) -> String { workingPath + "/" + domain }

  private func final(_ domain: String) -> String { path + "/" + domain }

  /// What says that a domain is complete.
  /// - Parameter mayHaveMoved: it may have its final place already.
  func finished(_ domain: String, mayHaveMoved: Bool) throws -> DatasetDescription? {
    let places = mayHaveMoved ? [working(domain), final(domain)] : [working(domain)]
    let description = places.map { $0 + "/" + DatasetDescription.fileName }.first { access($0, F_OK) == 0 }
    return try description.map { try DatasetDescription(path: $0) }
  }

  // MARK: - State

  /// The state to go on from: the unfinished one that is here, if its settings are these, or a new one.
  /// - Throws: `DatasetError` when finished output, or the unfinished output of other settings, would be lost.
  func state(for settings: JSONObject, domains: [String], replacing: Bool) throws -> MixtureState {
    // Before any work, and not after it.
    if replacing { for name in domains { try checkIsReplaceable(name) } }
    if let found = try load(replacing: replacing) {
      if let (setting, before, now) = found.settings.firstDifference(from: settings) {
        if !replacing {
          throw DatasetError.unfinishedWithOtherSettings(path: path, setting: setting, before: before, now: now)
        }
      } else {
        var state = found
        state.replaces = state.replaces || replacing
        return state
      }
    } else if !replacing, let existing = existing(domains) {
      throw DatasetError.outputExists(path: existing)
    }
    try FileTree.remove(workingPath)
    return MixtureState(settings: settings, replaces: replacing)
  }

  /// What would be in the way of the result.
  private func existing(_ domains: [String]) -> String? {
    ([descriptionPath] + ownFiles + domains.map(final)).first { FileTree.exists($0) }
  }

  /// What a preparation may have left here, beside the description and the domains.
  private var ownFiles: [String] {
    (OutputDirectory.File.allCases.map(\.rawValue) + DatasetSplit.allCases.map(MixtureDirectory.hdf5Name)).map {
      path + "/" + $0
    }
  }

  static func hdf5Name(_ split: DatasetSplit) -> String { split.rawValue + ".h5" }
  func hdf5(_ split: DatasetSplit) -> String { path + "/" + MixtureDirectory.hdf5Name(split) }

  private func load(replacing: Bool) throws -> MixtureState? {
    guard access(statePath, F_OK) == 0 else { return nil }
    func damaged(_ reason: String) -> DatasetError { .damagedState(path: statePath, reason: reason) }
    let root: JSON
    do { root = try JSON(contentsOf: statePath) } catch let error as JSONError {
      if replacing { return nil }
      throw damaged("\(error)")
    }
    guard root["version"]?.integer == 1, let settings = root["mixture"]?.object, let replaces = root["replaces"]?.bool,
      let phase = root["phase"]?.string.flatMap(MixtureState.Phase.init(rawValue:))
    else {
      if replacing { return nil }
      throw damaged("it is not that of a mixture")
    }
    return MixtureState(settings: settings, replaces: replaces, phase: phase, isResumed: true)
  }

  func save(_ state: MixtureState) throws {
    let object: JSONObject = [
      "version": .integer(1), "phase": .string(state.phase.rawValue), "replaces": .bool(state.replaces),
      "mixture": .object(state.settings),
    ]
    try AtomicFile.write(statePath) { try $0.write(JSON.object(object).serialized(indent: 1) + "\n") }
  }

  // MARK: - The last step

  /// Moves the domains to their places. Can be repeated.
  func moveUp(_ domains: [String], replaces: Bool) throws {
    for name in domains where FileTree.exists(working(name)) {
      if replaces { try removeEarlierDomain(name) }
      guard rename(working(name), final(name)) == 0 else {
        throw DatasetError.writeFailed(path: final(name), reason: systemReason())
      }
    }
    try lock.sync()
  }

  /// Writes `dataset.json`, after which the result is complete, and removes what was only for the work.
  func commit(_ description: JSON) throws {
    try AtomicFile.write(descriptionPath) { try $0.write(description.serialized(indent: 1) + "\n") }
    // The state goes first: without it, what is left of the work is removed by whoever begins anew.
    try FileTree.remove(statePath)
    try lock.sync()
    try FileTree.remove(workingPath)
  }

  /// Removes what an earlier preparation has left here: its description, its files, and the domains that are no longer
  /// among `domains`.
  func removeEarlierOutput(_ domains: [String]) throws {
    let earlier: [String]
    do {
      // Groups of an HDF5 file are no directories.
      earlier = try MixtureDescription(path: descriptionPath).domains.filter {
        $0.train.group == nil && $0.train.file.hasPrefix($0.name + "/")
      }.map(\.name)
    } catch is FileError {
      earlier = []
    } catch is DatasetError {
      earlier = []  // a plain dataset
    }
    for name in earlier where !domains.contains(name) { try removeEarlierDomain(name) }
    // An old description must never stand beside new tokens.
    try FileTree.remove(descriptionPath)
    for file in ownFiles { try FileTree.remove(file) }
  }

  /// Removes a domain's directory, if there is nothing in it but what prepare writes.
  private func removeEarlierDomain(_ name: String) throws {
    guard FileTree.exists(final(name)) else { return }
    try checkIsReplaceable(name)
    try FileTree.remove(final(name))
  }

  private func checkIsReplaceable(_ name: String) throws {
    let directory = final(name)
    guard FileTree.exists(directory) else { return }
    let known = OutputDirectory.File.allCases.map(\.rawValue) + [DatasetDescription.fileName]
    guard FileTree.isDirectory(directory), try FileTree.names(in: directory).allSatisfy(known.contains) else {
      throw DatasetError.writeFailed(path: directory, reason: "it holds files that prepare did not write")
    }
  }
}
