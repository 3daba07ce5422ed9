import Foundation
import Testing

@testable import Checkpoints

struct ModelLocationTests {
  private let commit = "0123456789abcdef0123456789abcdef01234567"

  private func resolve(_ source: String, _ environment: [String: String]) throws -> String {
    try ModelLocation.resolve(source) { environment[$0] }
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
    #expect(try ModelLocation.resolve(directory.path) == directory.path)
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
        throws: CheckpointError.notInCache(name: "org/name", cache: directory.file("hub")), "\(reference.prefix(9))"
      ) {
        try resolve("org/name", ["HF_HUB_CACHE": directory.file("hub")])
      }
    }
    try directory.write("hub/models--org--name/refs/main", commit + "\n")
    #expect(throws: Never.self) { try resolve("org/name", ["HF_HUB_CACHE": directory.file("hub")]) }
  }

  @Test(arguments: ["./a/b", "/a/b", "a/b/c", "a b/c", "../a", "a/..", "a--b/c", "", "a/", "/a", "-a/b", ".a/b"])
  func whatIsNoIDIsAPath(_ source: String) {
    #expect(throws: CheckpointError.file(.notFound(path: source))) { try resolve(source, [:]) }
  }
}
