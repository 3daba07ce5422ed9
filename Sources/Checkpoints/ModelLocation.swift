import Files
import Glibc

/// Finds models by what users call them.
public enum ModelLocation {
  /// A path that exists is itself. Anything else is taken for a hub id, `org/name`, and looked up in the local Hugging
  /// Face cache: the snapshot that `refs/main` names. Nothing is downloaded.
  /// - Returns: a path that exists.
  /// - Throws: `CheckpointError.notInCache`, `.file` for what can only be a path.
  public static func resolve(_ source: String) throws(CheckpointError) -> String {
    try resolve(source) { name in getenv(name).map { String(cString: $0) } }
  }

  /// - Parameter environment: the value of an environment variable.
  static func resolve(_ source: String, environment: (String) -> String?) throws(CheckpointError) -> String {
    if FileTree.exists(source) { return source }
    guard isHubID(source) else { throw .file(.notFound(path: source)) }
    let cache = cacheDirectory(environment)
    let folder = cache + "/models--" + source.split(separator: "/").joined(separator: "--")
    guard let revision = revision(folder + "/refs/main") else { throw .notInCache(name: source, cache: cache) }
    let snapshot = folder + "/snapshots/" + revision
    guard FileTree.isDirectory(snapshot) else { throw .notInCache(name: source, cache: cache) }
    return snapshot
  }

  /// Where huggingface_hub keeps models: `HF_HUB_CACHE`, or `hub` below `HF_HOME`, or below the user's cache directory
  /// (huggingface_hub, constants.py).
  private static func cacheDirectory(_ environment: (String) -> String?) -> String {
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
  private static func revision(_ path: String) -> String? {
    guard FileTree.exists(path) else { return nil }
    let text: String
    do { text = try MappedFile(path).text } catch { return nil }
    let revision = text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
    return !revision.isEmpty && revision.utf8.allSatisfy(isIDByte) && !revision.hasPrefix(".") ? revision : nil
  }

  /// `org/name`, or the `name` of a model that belongs to nobody, as huggingface_hub's `validate_repo_id` allows them.
  private static func isHubID(_ source: String) -> Bool {
    let parts = source.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count <= 2 && !source.contains("--") && !source.contains("..")
      && parts.allSatisfy { part in
        part.utf8.allSatisfy(isIDByte) && !(part.first.map { $0 == "." || $0 == "-" } ?? true)
          && !part.hasSuffix(".") && !part.hasSuffix("-")
      }
  }

  private static func isIDByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
      true
    default: false
    }
  }
}
