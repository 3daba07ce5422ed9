import Files
import Foundation
import Tensors

/// Models of a few million parameters with the shapes that matter: heads of 100 and of 64.
enum SmallModel {
  static let llama: JSONObject = [
    "model_type": .string("llama"), "num_hidden_layers": .integer(2), "hidden_size": .integer(400),
    "num_attention_heads": .integer(4), "intermediate_size": .integer(1080), "max_position_embeddings": .integer(256),
    "vocab_size": .integer(512),
  ]

  static let gpt2: JSONObject = [
    "model_type": .string("gpt2"), "n_layer": .integer(6), "n_embd": .integer(384), "n_head": .integer(6),
    "n_positions": .integer(256), "vocab_size": .integer(512),
  ]
}

/// Token files of a language with something to learn: the last token leaves four to come next.
enum MadeUpTokens {
  static func ids(count: Int, vocabulary: Int) -> [UInt16] {
    var random = SplitMix64(seed: 5)
    var last = 0
    return (0..<count).map { _ in
      last = (3 * last + random.next(below: 4)) % vocabulary
      return UInt16(last)
    }
  }

  static func write(to directory: String, count: Int, vocabulary: Int) throws {
    try FileTree.makeDirectory(directory)
    try ids(count: count, vocabulary: vocabulary).withUnsafeBytes { bytes in
      try AtomicFile.write(directory + "/train.bin") { try $0.write(bytes) }
    }
  }
}
