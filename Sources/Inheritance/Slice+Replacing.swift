import Checkpoints
import Files
import Glibc

extension Slice {
  /// What `write` may replace: a directory that is empty or holds a model, and does not hold the source.
  /// - Throws: `FileError.notReplaceable`.
  func checkReplaceable(_ destination: String) throws(FileError) {
    guard FileTree.exists(destination) else { return }
    guard FileTree.isDirectory(destination) else {
      throw .notReplaceable(path: destination, reason: "it is not a directory")
    }
    let names = try FileTree.names(in: destination)
    guard names.isEmpty || Slice.isModel(names) else {
      throw .notReplaceable(
        path: destination,
        reason: "it is no model directory (config.json beside weights); remove it, or take another name")
    }
    let own = Slice.realPath(destination)
    // The files' directories too: in the Hugging Face cache the files are links to elsewhere.
    let files = source.checkpoint.files
    for path in files + files.map(FileTree.parent) + [source.tokenizerDirectory].compactMap(\.self)
    where (Slice.realPath(path) + "/").utf8.starts(with: (own + "/").utf8) {
      throw .notReplaceable(path: destination, reason: "it holds the source; take another name")
    }
  }

  /// Whether these are the names of a directory that this program or Hugging Face's libraries wrote.
  private static func isModel(_ names: [String]) -> Bool {
    names.contains(Provenance.fileName)
      || names.contains("config.json")
        && names.contains { name in
          [".safetensors", ".bin", ".pt", ".pth", ".h5"].contains { name.hasSuffix($0) }
        }
  }

  /// The path without links; as it is when there is nothing.
  private static func realPath(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }
}
