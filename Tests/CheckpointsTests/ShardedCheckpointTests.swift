import Foundation
import Testing

@testable import Checkpoints

struct ShardedCheckpointTests {
  private let index = "model.safetensors.index.json"

  private func header(_ names: String...) -> String {
    let tensors = names.enumerated().map { number, name in
      #""\#(name)":{"dtype":"U8","shape":[2],"data_offsets":[\#(2 * number),\#(2 * number + 2)]}"#
    }
    return "{\(tensors.joined(separator: ","))}"
  }

  /// Shards one.safetensors with a and b, two.safetensors with c.
  private func directory(_ index: String?) throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    try directory.safetensors("one.safetensors", header("a", "b"), data: 4)
    try directory.safetensors("two.safetensors", header("c"), data: 2)
    if let index { try directory.write(self.index, index) }
    return directory
  }

  private let map = #"{"weight_map": {"c": "two.safetensors", "a": "one.safetensors", "b": "one.safetensors"}}"#

  @Test func shardsAreOneCheckpoint() throws {
    let directory = try directory(map)
    for path in [directory.path, directory.path + "/", directory.file(index)] {
      let checkpoint = try Checkpoint.open(path)
      #expect(checkpoint.path == directory.file(index))
      #expect(checkpoint.tensors.map(\.name) == ["a", "b", "c"])
      #expect(checkpoint.files == [index, "one.safetensors", "two.safetensors"].map(directory.file))
      #expect(try Array(checkpoint.bytes(of: "b")) == [2, 3])
      #expect(try Array(checkpoint.bytes(of: "c")) == [0, 1])
      #expect(checkpoint.description(of: "c")?.shape == [2])
      #expect(checkpoint.header(of: directory.file("two.safetensors")) != nil)
      #expect(checkpoint.header(of: directory.file(index)) == nil)
      #expect(throws: CheckpointError.missingTensor(path: directory.file(index), tensor: "d")) {
        try checkpoint.region(of: "d")
      }
    }
  }

  /// As in transformers, everything in the shards is there; of two tensors of one name the index tells which.
  @Test func theIndexDecidesBetweenTwo() throws {
    let directory = try directory(#"{"weight_map": {"a": "two.safetensors", "b": "one.safetensors"}}"#)
    try directory.safetensors("two.safetensors", header("c", "a"), data: 4)
    let checkpoint = try Checkpoint.open(directory.path)
    #expect(checkpoint.tensors.map(\.name) == ["b", "c", "a"])
    #expect(try checkpoint.region(of: "a")?.file.path == directory.file("two.safetensors"))
  }

  @Test func damagedIndexesAreRefused() throws {
    let damaged = [
      ("{\"weight_map\": {", "expected a key in '\"', found the end at column 17"),
      ("[]", "'weight_map' is missing or no JSON object"),
      (#"{"weight_map": []}"#, "'weight_map' is missing or no JSON object"),
      (#"{"weight_map": {}}"#, "'weight_map' names no tensors"),
      (#"{"weight_map": {"a": 1}}"#, "'a' is said to be in 1, which is no file's name"),
      (#"{"weight_map": {"a": "../x"}}"#, #"'a' is said to be in "../x", which is no file's name"#),
      (#"{"weight_map": {"a": "/x"}}"#, #"'a' is said to be in "/x", which is no file's name"#),
      (#"{"weight_map": {"a": ".."}}"#, #"'a' is said to be in "..", which is no file's name"#),
      (#"{"weight_map": {"a": ""}}"#, #"'a' is said to be in "", which is no file's name"#),
      (
        #"{"weight_map": {"a": "one.safetensors\u0000"}}"#,
        #"'a' is said to be in "one.safetensors\u0000", which is no file's name"#
      ),
      (#"{"weight_map": {"c": "one.safetensors"}}"#, "'c' is said to be in one.safetensors, but is not"),
      (
        #"{"weight_map": {"a": "one.safetensors", "a": "two.safetensors"}}"#, "the key \"a\" a second time at column 41"
      ),
    ]
    for (text, expected) in damaged {
      let directory = try directory(text)
      #expect(
        message { try Checkpoint.open(directory.path) }
          == "\(directory.file(index)): not a readable index of shards: \(expected)")
    }
  }

  @Test func missingShardsAreNamed() throws {
    let directory = try directory(map)
    try FileManager.default.removeItem(atPath: directory.file("two.safetensors"))
    #expect(
      message { try Checkpoint.open(directory.path) }
        == "\(directory.file(index)): 1 of 2 shards not found: two.safetensors; copy or download them again")
    try directory.safetensors("two.safetensors", header("c"), data: 2)
    #expect(try Checkpoint.open(directory.path).tensors.map(\.name) == ["a", "b", "c"])
    // A single file beside an index comes first, as in transformers.
    try directory.safetensors("model.safetensors", header("x"), data: 2)
    #expect(try Checkpoint.open(directory.path).tensors.map(\.name) == ["x"])
  }

  @Test func aDamagedShardIsNamed() throws {
    let directory = try directory(map)
    try directory.write("two.safetensors", "x")
    #expect(
      message { try Checkpoint.open(directory.path) }.hasPrefix("\(directory.file("two.safetensors")): not a readable"))
  }

  @Test func directoriesWithoutWeightsSayWhatTheyHave() throws {
    let directory = try TemporaryDirectory()
    let start =
      "\(directory.path): no weights: expected model.safetensors, pytorch_model.bin, tf_model.h5, lit_model.pth, ckpt.pt or "
      + "another single file of weights, found "
    #expect(message { try Checkpoint.open(directory.path) } == start + "no files")
    for name in ["config.json", "1", "2", "3", "4"] { try directory.write(name, "") }
    #expect(message { try Checkpoint.open(directory.path) } == start + "1, 2, 3, 4 and 1 more")
    #expect(
      message { try Checkpoint.open(directory.file("none")) } == "\(directory.file("none")): no such file or directory")
  }

  /// Two shards have a tensor that the index does not mention: neither is taken silently.
  @Test func unlistedTensorsOfTwoShards() throws {
    let directory = try TemporaryDirectory()
    for name in ["a", "b"] {
      try directory.safetensors(
        "\(name).safetensors",
        #"""
        {"\#(name)": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}, "both": {"dtype": "U8", "shape": [1], "data_offsets": [1, 2]}}
        """#, data: 2)
    }
    let index = try directory.write(
      "model.safetensors.index.json", #"{"weight_map": {"a": "a.safetensors", "b": "b.safetensors"}}"#)
    #expect(message { try Checkpoint.open(index) }.contains("two shards have 'both', and it does not say which counts"))
    try directory.write(
      "model.safetensors.index.json",
      #"{"weight_map": {"a": "a.safetensors", "b": "b.safetensors", "both": "b.safetensors"}}"#)
    #expect(try Checkpoint.open(index).tensors.map(\.name) == ["a", "b", "both"])
  }
}
