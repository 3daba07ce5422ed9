import Files

/// A model as the Hugging Face hub calls it, and where its cache keeps it (huggingface_hub, `file_download.py`):
/// `models--org--name/refs/<revision>` holds the commit of a branch or tag, `snapshots/<commit>/` its files, as links
/// into `blobs/`.
struct HubModel: Sendable {
  /// `org/name`, or the `name` of a model that belongs to nobody.
  let id: String
  /// A branch, tag or commit.
  let revision: String

  /// Nil for what cannot be an id: huggingface_hub's `validate_repo_id`, and the `@revision` of its file paths.
  init?(_ source: String) {
    let parts = source.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    id = String(parts[0])
    revision = parts.count == 2 ? String(parts[1]) : "main"
    let names = id.split(separator: "/", omittingEmptySubsequences: false)
    guard names.count <= 2, !id.contains("--"), !id.contains(".."),
      names.allSatisfy({ HubModel.isName($0) && !$0.hasSuffix(".") && !$0.hasSuffix("-") }),
      revision.split(separator: "/", omittingEmptySubsequences: false).allSatisfy(HubModel.isName)
    else { return nil }
  }

  /// What fetches it.
  private var command: String { "hf download \(id)" + (revision == "main" ? "" : " --revision \(revision)") }

  /// The directory with the model's files.
  func snapshot(in cache: String) throws(CheckpointError) -> String {
    let folder = cache + "/models--" + id.split(separator: "/").joined(separator: "--")
    // A commit is the name of its own snapshot.
    let commit = commit(folder + "/refs/" + revision) ?? (revision.contains("/") ? nil : revision)
    guard let commit, FileTree.isDirectory(folder + "/snapshots/" + commit) else {
      throw .notInCache(name: revision == "main" ? id : "\(id)@\(revision)", cache: cache, command: command)
    }
    let snapshot = folder + "/snapshots/" + commit
    let names: [String]
    do { names = try FileTree.names(in: snapshot) } catch { throw .file(error) }
    let missing = names.filter { !FileTree.isFile(snapshot + "/" + $0) && !FileTree.isDirectory(snapshot + "/" + $0) }
    guard missing.isEmpty else { throw incomplete(snapshot, missing: missing) }
    return snapshot
  }

  func incomplete(_ snapshot: String, missing: [String]) -> CheckpointError {
    .incompleteInCache(name: id, directory: snapshot, missing: missing, command: command)
  }

  /// Where huggingface_hub keeps models: `HF_HUB_CACHE`, or `hub` below `HF_HOME`, or below the user's cache directory
  /// (huggingface_hub, `constants.py`).
  static func cacheDirectory(_ environment: (String) -> String?) -> String {
    func directory(_ name: String) -> String? {
      guard let path = environment(name), !path.isEmpty else { return nil }
      return path == "~" || path.hasPrefix("~/") ? (environment("HOME") ?? "") + path.dropFirst() : path
    }
    if let cache = directory("HF_HUB_CACHE") { return FileTree.withoutTrailingSlashes(cache) }
    if let home = directory("HF_HOME") { return FileTree.withoutTrailingSlashes(home) + "/hub" }
    let cache = directory("XDG_CACHE_HOME") ?? (environment("HOME") ?? "") + "/.cache"
    return FileTree.withoutTrailingSlashes(cache) + "/huggingface/hub"
  }

  /// The commit in a file of `refs`; nil if there is none, or it is no name of a directory.
  private func commit(_ path: String) -> String? {
    guard FileTree.isFile(path) else { return nil }
    let text: String
    do { text = try MappedFile(path).text } catch { return nil }
    let commit = text.split(whereSeparator: \.isWhitespace).first ?? ""
    return HubModel.isName(commit) ? String(commit) : nil
  }

  /// Whether this can be a name of a file, and no way out of its directory.
  private static func isName(_ name: Substring) -> Bool {
    guard let first = name.first, first != ".", first != "-" else { return false }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
        true
      default: false
      }
    }
  }
}
