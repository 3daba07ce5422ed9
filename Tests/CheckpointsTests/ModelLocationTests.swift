import Foundation
import Testing

@testable import Checkpoints

struct ModelLocationTests {
  private let commit = "0123456789abcdef0123456789abcdef01234567"

  private func resolve(_ source: String, _ environment: [String: String]) throws -> String {
    try ModelLocation(source) { environment[$0] }.path
  }

  /// A cache with one model, in the layout of huggingface_hub.
  private func model(_ id: String, in directory: TemporaryDirectory, _ cache: String) throws -> String {
    let folder = "\(cache)/models--\(id.replacingOccurrences(of: "/", with: "--"))"
    try directory.write("\(folder)/refs/main", commit)
    try directory.write("\(folder)/snapshots/\(commit)/config.json", "{}")
    return directory.file("\(folder)/snapshots/\(commit)")
  }

  @Test func pathsAreThemselves() throws {
    let directory = try TemporaryDirectory()
    let file = try directory.write("org/name", "")
    #expect(try resolve(file, [:]) == file)
    #expect(try resolve(directory.path, [:]) == directory.path)
    #expect(try ModelLocation(directory.path).path == directory.path)
    #expect(try ModelLocation(directory.path + "/").directory == directory.path)
    #expect(try ModelLocation(file).directory == directory.path + "/org")
  }

  @Test func theCacheIsWhereTheEnvironmentSays() throws {
    let directory = try TemporaryDirectory()
    let a = try model("org/name", in: directory, "a")
    let b = try model("org/name", in: directory, "b/hub")
    let c = try model("org/name", in: directory, "c/huggingface/hub")
    let d = try model("org/name", in: directory, ".cache/huggingface/hub")
    var environment = ["HOME": directory.path]
    #expect(try resolve("org/name", environment) == d)
    environment["XDG_CACHE_HOME"] = directory.file("c")
    #expect(try resolve("org/name", environment) == c)
    environment["HF_HOME"] = "~/b/"
    #expect(try resolve("org/name", environment) == b)
    environment["HF_HUB_CACHE"] = directory.file("a")
    #expect(try resolve("org/name", environment) == a)
    environment["HF_HUB_CACHE"] = ""
    #expect(try resolve("org/name", environment) == b)
    let e = try model("gpt2", in: directory, "b/hub")
    #expect(try resolve("gpt2", environment) == e)
  }

  @Test func absentModelsComeWithTheCommandThatFetchesThem() throws {
    let directory = try TemporaryDirectory()
    let environment = ["HF_HUB_CACHE": directory.path]
    let expected =
      "openlm-research/open_llama_3b: no such file or directory, and no such model in the Hugging Face cache "
      + "(\(directory.path)); fetch it with: hf download openlm-research/open_llama_3b"
    #expect(message { try resolve("openlm-research/open_llama_3b", environment) } == expected)
    _ = try model("openlm-research/open_llama_3b", in: directory, "")
    #expect(message { try resolve("openlm-research/open_llama_3b", environment) } == "no error")
    try directory.write("models--openlm-research--open_llama_3b/refs/main", "another")
    #expect(message { try resolve("openlm-research/open_llama_3b", environment) } == expected)
  }

  @Test func referencesCannotLeaveTheCache() throws {
    let directory = try TemporaryDirectory()
    _ = try model("org/name", in: directory, "hub")
    for reference in ["..", "../../..", "/", "", ".", "a/b", "\0", String(repeating: "x", count: 10_000)] {
      try directory.write("hub/models--org--name/refs/main", reference)
      #expect(
        throws: CheckpointError.notInCache(
          name: "org/name", cache: directory.file("hub"), command: "hf download org/name"), "\(reference.prefix(9))"
      ) {
        try resolve("org/name", ["HF_HUB_CACHE": directory.file("hub")])
      }
    }
    try directory.write("hub/models--org--name/refs/main", commit + "\n")
    #expect(throws: Never.self) { try resolve("org/name", ["HF_HUB_CACHE": directory.file("hub")]) }
  }

  /// A branch, a tag, a pull request or a commit, as huggingface_hub's own paths name them.
  @Test func revisions() throws {
    let directory = try TemporaryDirectory()
    let main = try model("org/name", in: directory, "hub")
    let other = String(commit.reversed())
    try directory.write("hub/models--org--name/snapshots/\(other)/config.json", "{}")
    try directory.write("hub/models--org--name/refs/v1.0", other)
    try directory.write("hub/models--org--name/refs/refs/pr/1", other)
    let environment = ["HF_HUB_CACHE": directory.file("hub")]
    let expected = directory.file("hub/models--org--name/snapshots/\(other)")
    for revision in ["v1.0", "refs/pr/1", other] {
      #expect(try resolve("org/name@\(revision)", environment) == expected)
    }
    #expect(try resolve("org/name@\(commit)", environment) == main)
    #expect(
      message { try resolve("org/name@v2", environment) }
        == "org/name@v2: no such file or directory, and no such model in the Hugging Face cache "
        + "(\(directory.file("hub"))); fetch it with: hf download org/name --revision v2")
    for source in ["org/name@", "org/name@..", "org/name@a/../b", "org/name@/", "org/name@-x", "org/name@a b"] {
      #expect(throws: CheckpointError.file(.notFound(path: source))) { try resolve(source, environment) }
    }
  }

  /// What an interrupted download leaves: links to blobs that are not there, a part of the shards, or no weights at all.
  @Test func incompleteDownloads() throws {
    let directory = try TemporaryDirectory()
    let snapshot = try model("org/name", in: directory, "hub")
    func open() throws -> any CheckpointReader {
      try ModelLocation("org/name") { ["HF_HUB_CACHE": directory.file("hub")][$0] }.openCheckpoint()
    }
    func incomplete(_ missing: String) -> String {
      "org/name: incomplete in the Hugging Face cache: \(missing) not found in \(snapshot); "
        + "fetch the rest with: hf download org/name"
    }
    #expect(message(of: open) == incomplete("weights"))
    try directory.write(
      "hub/models--org--name/snapshots/\(commit)/model.safetensors.index.json",
      #"{"weight_map": {"a": "model-1.safetensors"}}"#)
    #expect(message(of: open) == incomplete("model-1.safetensors"))
    try FileManager.default.createSymbolicLink(
      atPath: snapshot + "/model.safetensors", withDestinationPath: "../../blobs/0123")
    #expect(message(of: open) == incomplete("model.safetensors"))
    try directory.safetensors("hub/models--org--name/blobs/0123", "{}")
    #expect(try open().tensors.isEmpty)
  }

  @Test(arguments: ["./a/b", "/a/b", "a/b/c", "a b/c", "../a", "a/..", "a--b/c", "", "a/", "/a", "-a/b", ".a/b"])
  func whatIsNoIDIsAPath(_ source: String) {
    #expect(throws: CheckpointError.file(.notFound(path: source))) { try resolve(source, [:]) }
  }
}
