import Files
import Foundation
import Tokenization

@testable import Evaluation

/// A folder that is gone after the test.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("evaluation-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path): \(error)") }
  }

  /// Writes a file, making its folders.
  func write(_ name: String, _ text: String) throws {
    let url = URL(fileURLWithPath: path).appendingPathComponent(name)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  func read(_ name: String) throws -> String {
    try text(of: path + "/" + name)
  }
}

/// A file's text.
func text(of path: String) throws -> String {
  let file = try MappedFile(path)
  return String(decoding: file.bytes, as: UTF8.self)
}

/// The value in a file.
func json(_ path: String) throws -> JSON {
  let file = try MappedFile(path)
  return try JSON(parsing: file.bytes)
}

/// The values in a file that has one a line.
func jsonLines(_ path: String) throws -> [JSON] {
  let file = try MappedFile(path)
  return try file.bytes.split(separator: UInt8(ascii: "\n")).map {
    try JSON(parsing: UnsafeRawBufferPointer(rebasing: $0))
  }
}

/// A byte-level tokenizer without merges: a token's id is its byte; 256 is `<|endoftext|>`, BOS and EOS.
enum ByteTokenizer {
  static let endOfText: Int32 = 256

  static func make() throws -> Tokenizer {
    let folder = try TemporaryFolder()
    // GPT-2 writes bytes as printable characters: itself where it is one, else U+0100 upwards in order.
    var vocabulary = JSONObject()
    var next: UInt32 = 0x100
    for byte in UInt32(0)..<256 {
      let isPrintable = (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || (0xAE...0xFF).contains(byte)
      let scalar = Unicode.Scalar(isPrintable ? byte : next) ?? " "
      if !isPrintable { next += 1 }
      vocabulary[String(scalar)] = .integer(Int64(byte))
    }
    vocabulary["<|endoftext|>"] = .integer(Int64(endOfText))
    try folder.write("vocab.json", JSON.object(vocabulary).serialized())
    try folder.write("merges.txt", "#version: 0.2\n")
    try folder.write(
      "tokenizer_config.json",
      #"{"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}"#)
    return try Tokenizer.load(directory: folder.path)
  }
}

/// Scores that depend on the tokens alone, in the way of a model: the sum over continuation tokens of a function of the
/// token and the one before it.
final class ToyScorer: Scorer {
  let contextLength: Int
  /// How many requests it was given, and in how many calls.
  private(set) var requests: [ScoreRequest] = []
  private(set) var calls = 0

  init(contextLength: Int = 64) { self.contextLength = contextLength }

  func score(_ requests: [ScoreRequest], scored: (Int, Score) throws -> Void) throws {
    calls += 1
    self.requests += requests
    for (index, request) in requests.enumerated() {
      let ids = Array((request.context + request.continuation).suffix(contextLength + 1))
      var sum = 0.0
      for index in (ids.count - request.continuation.count)..<ids.count {
        sum -= Double((Int(ids[index]) * 7 + Int(ids[index - 1]) * 3) % 11 + 1) / 4
      }
      try scored(index, Score(logProbability: sum, isGreedy: sum > -3))
    }
  }
}
