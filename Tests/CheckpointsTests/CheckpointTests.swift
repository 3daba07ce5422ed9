import Foundation
import HDF5Fixtures
import Testing

@testable import Checkpoints

/// What a path is, and which of a directory's files are the weights.
struct CheckpointTests {
  typealias P = PickleFixture

  private let index = #"{"weight_map": {"w": "a.bin"}}"#

  private func archive(_ name: String) -> [UInt8] {
    let tensor = P.tensor(P.storage(count: 1), [1], [1])
    return ZipFixture.archive([
      .init(name: "a/data.pkl", bytes: P.program(P.dictionary([(name, tensor)]))),
      .init(name: "a/data/0", bytes: [0, 0, 0, 0]),
    ])
  }

  @Test func usualNamesComeFirst() throws {
    let directory = try TemporaryDirectory()
    // From the last to the first.
    for name in [
      "other.pt", "ckpt.pt", "lit_model.pth", "model.h5", "tf_model.h5", "pytorch_model.bin", "model.safetensors",
    ] {
      // The content counts: each of them is a zip archive here.
      try directory.write(name, archive(name))
      #expect(try Checkpoint.open(directory.path).path == directory.file(name))
    }
    try directory.write("a.bin", archive("w"))
    try directory.write("pytorch_model.bin.index.json", index)
    #expect(try Checkpoint.open(directory.path).path == directory.file("model.safetensors"))
    let sharded = try Checkpoint.open(directory.file("pytorch_model.bin.index.json"))
    #expect(sharded.tensors.map(\.name) == ["w"])
    #expect(sharded.format == .pyTorch)
    #expect(sharded.files == ["pytorch_model.bin.index.json", "a.bin"].map(directory.file))
    #expect(sharded.header(of: directory.file("a.bin")) != nil)
  }

  @Test func aSingleFileOfAnyName() throws {
    let directory = try TemporaryDirectory()
    try directory.write("training_args.bin", archive("x"))
    try directory.write("notes.txt", "x")
    #expect(message { try Checkpoint.open(directory.path) }.contains("no weights: expected model.safetensors, "))
    try directory.write("mine.pth", archive("w"))
    #expect(try Checkpoint.open(directory.path).tensors.map(\.name) == ["w"])
    try directory.write("other.PT", archive("w"))
    #expect(
      message { try Checkpoint.open(directory.path) }
        == "\(directory.path): several files could be the weights: mine.pth, other.PT; name one of them")
  }

  @Test func anIndexIsNoShard() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("x.index.json", #"{"weight_map": {"w": "x.index.json"}}"#)
    #expect(
      message { try Checkpoint.open(path) }.hasSuffix(#"'w' is said to be in "x.index.json", which is no file's name"#))
  }

  @Test func otherFilesAreNamed() throws {
    let directory = try TemporaryDirectory()
    let expected: [([UInt8], String)] = [
      (Array("<!DOCTYPE html><html><body>404".utf8), "a web page and not a file of weights; "),
      (
        Array("version https://git-lfs.github.com/spec/v1\n".utf8), "a Git LFS pointer and not the file it stands for; "
      ),
      (Array("GGUF\u{3}\u{0}\u{0}\u{0}".utf8), "a GGUF file, which is not read; "),
      ([0x1F, 0x8B, 8, 0, 1, 2, 3, 4, 0], "compressed with gzip; "),
      ([0x28, 0xB5, 0x2F, 0xFD], "compressed with zstd; "),
      ([0x81, 0xA6] + Array("params".utf8), "a Flax checkpoint (msgpack), which is not read; "),
      ([UInt8](repeating: 1, count: 257) + Array("ustar\u{0}".utf8), "a tar archive; "),
      (
        [UInt8](repeating: 1, count: 40) + [0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB],
        "the index of a TensorFlow checkpoint, "
      ),
    ]
    for (bytes, what) in expected {
      let path = try directory.write("pytorch_model.bin", bytes)
      #expect(message { try Checkpoint.open(path) }.hasPrefix("\(path): \(what)"))
    }
  }

  /// The length that a safetensors file begins with may be the beginning of anything else.
  @Test(arguments: [0x0280, 0x0480, 0x4B50, 0x3C, 0x8B1F])
  func lengthsAreNoFormats(_ length: Int) throws {
    let header = #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#
    guard length >= header.utf8.count else { return }
    let directory = try TemporaryDirectory()
    let padded = header + String(repeating: " ", count: length - header.utf8.count)
    let path = try directory.safetensors("x.bin", padded, data: 2)
    #expect(try Checkpoint.open(path).format == .safetensors)
  }

  /// What is no checkpoint is not called a damaged safetensors file, unless its name says so.
  @Test func unknownFilesAreNotCalledSafetensors() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("pytorch_model.bin", [UInt8](repeating: 7, count: 100))
    #expect(
      message { try Checkpoint.open(path) }
        == "\(path): not a format that is known; expected safetensors, PyTorch, HDF5 or llama2.c")
    let named = try directory.write("a.safetensors", [UInt8](repeating: 7, count: 100))
    #expect(message { try Checkpoint.open(named) }.contains("not a readable safetensors file"))
    for magic in ["lmgg", "fmgg", "tjgg"] {
      let path = try directory.write("x.bin", magic + "1234567890")
      #expect(
        message { try Checkpoint.open(path) } == "\(path): a GGML file, which is not read; use the model's safetensors")
    }
  }

  /// A block of the user's own stands before the HDF5 file.
  @Test(.enabled(if: canWriteHDF5, "needs libhdf5"))
  func userBlock() throws {
    let directory = try TemporaryDirectory()
    let tensor = TensorSource(name: "t", type: .uint8, shape: [3]) { _, bytes in bytes.copyBytes(from: [1, 2, 3]) }
    try HDF5Writer.write([tensor], toFile: directory.file("plain"), attributes: [:])
    let path = try directory.write("m.h5", [UInt8](repeating: 0, count: 512) + directory.read("plain"))
    #expect(try Checkpoint.open(path).bytes(of: "t") == [1, 2, 3])
  }

  /// Whatever a file calls its tensors, an error is one line that a terminal can show.
  @Test func errorsStayOnOneLine() throws {
    let directory = try TemporaryDirectory()
    let name = #"a\n\u001b[31mb"# + String(repeating: "\u{301}", count: 5000)
    let paths = [
      try directory.safetensors("a.safetensors", #"{"\#(name)": {"dtype": "F99"}}"#),
      try directory.safetensors(
        "b.safetensors",
        #"{"\#(name)": {"dtype": "U8", "shape": [], "data_offsets": [0, 1]}, "\#(name)": 1}"#, data: 1),
      try directory.write("c.index.json", #"{"weight_map": {"\#(name)": "x/y"}}"#),
      try directory.write("d.index.json", #"{"weight_map": {"x": "\#(name)"}}"#),
    ]
    for path in paths {
      let text = message { try Checkpoint.open(path) }
      #expect(text != "no error" && !text.unicodeScalars.contains { $0.properties.generalCategory == .control })
      #expect(text.unicodeScalars.count < 1500)
    }
  }
}
