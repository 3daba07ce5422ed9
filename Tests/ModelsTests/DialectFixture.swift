import Checkpoints
import Files
import Foundation

@testable import Models

/// A small model whose weights are numbers made here, under Hugging Face's names, and what other programs make of them.
struct DialectFixture {
  typealias Tensor = (name: String, shape: [Int], values: [Float])

  let model: Model
  /// In the model's order. Every element is another number.
  let tensors: [Tensor]

  init(_ configuration: JSONObject) throws {
    model = try Model(configuration: configuration, source: "fixture")
    var next: Float = 0
    tensors = model.weights.entries.filter { $0.content != .zeros }.map { entry in
      let values = (0..<entry.elementCount).map { next + Float($0) }
      next += Float(entry.elementCount)
      return (entry.name, entry.shape, values)
    }
  }

  static func gpt2(_ changes: JSONObject = [:]) throws -> DialectFixture {
    try DialectFixture(
      merged(
        [
          "model_type": .string("gpt2"), "vocab_size": .integer(7), "n_positions": .integer(5), "n_embd": .integer(6),
          "n_head": .integer(3), "n_layer": .integer(2),
        ], changes))
  }

  /// Four heads of two dimensions, over two key/value heads.
  static func llama(_ changes: JSONObject = [:]) throws -> DialectFixture {
    try DialectFixture(
      merged(
        [
          "model_type": .string("llama"), "vocab_size": .integer(7), "hidden_size": .integer(16),
          "intermediate_size": .integer(12), "num_hidden_layers": .integer(2), "num_attention_heads": .integer(4),
          "num_key_value_heads": .integer(2), "max_position_embeddings": .integer(6), "rms_norm_eps": .number(1e-5),
        ], changes))
  }

  /// Four heads of four dimensions.
  static func gptNeoX(_ changes: JSONObject = [:]) throws -> DialectFixture {
    try DialectFixture(
      merged(
        [
          "model_type": .string("gpt_neox"), "vocab_size": .integer(7), "hidden_size": .integer(16),
          "intermediate_size": .integer(12), "num_hidden_layers": .integer(2), "num_attention_heads": .integer(4),
          "max_position_embeddings": .integer(6), "rotary_pct": .number(0.5),
        ], changes))
  }

  private static func merged(_ object: JSONObject, _ changes: JSONObject) -> JSONObject {
    var object = object
    for (key, value) in changes { object[key] = value }
    return object
  }

  func values(_ name: String) -> [Float] { tensors.first { $0.name == name }?.values ?? [] }

  // MARK: As other programs store them

  /// nanoGPT: `nn.Linear`'s matrices, and the head beside the embedding.
  func nanoGPT(prefix: String = "") -> [Tensor] {
    let linear = [".c_attn.weight", ".c_proj.weight", ".c_fc.weight"]
    var stored: [Tensor] = tensors.map { name, shape, values in
      guard linear.contains(where: name.hasSuffix) else { return (prefix + name, shape, values) }
      return (prefix + name, shape.reversed(), DialectFixture.transposed(values, rows: shape[0]))
    }
    stored.append((prefix + "lm_head.weight", stored[0].shape, stored[0].values))
    stored.append((prefix + "transformer.h.0.attn.bias", [1, 1, 5, 5], [Float](repeating: 1, count: 25)))
    return stored
  }

  /// lit-gpt: for each of the two key/value heads its two queries, its key, its value.
  func litGPT() -> [Tensor] {
    let names = [
      "model.embed_tokens": "transformer.wte", "model.layers.": "transformer.h.", "input_layernorm": "norm_1",
      "post_attention_layernorm": "norm_2", "self_attn.o_proj": "attn.proj", "gate_proj": "fc_1", "up_proj": "fc_2",
      "down_proj": "proj", "model.norm": "transformer.ln_f",
    ]
    var stored: [Tensor] = []
    for (name, shape, values) in tensors where !name.contains("k_proj") && !name.contains("v_proj") {
      guard name.contains("q_proj") else {
        let renamed = names.reduce(name) { $0.replacingOccurrences(of: $1.key, with: $1.value) }
        stored.append((renamed, shape, values))
        continue
      }
      let keys = self.values(name.replacingOccurrences(of: "q_proj", with: "k_proj"))
      let others = self.values(name.replacingOccurrences(of: "q_proj", with: "v_proj"))
      // Of one head: a matrix of four rows, or four biases.
      let size = values.count / 4
      var packed: [Float] = []
      for group in 0..<2 {
        packed += values[2 * group * size..<(2 * group + 2) * size]
        packed += keys[group * size..<(group + 1) * size]
        packed += others[group * size..<(group + 1) * size]
      }
      let renamed = name.replacingOccurrences(of: "model.layers.", with: "transformer.h.")
        .replacingOccurrences(of: "self_attn.q_proj", with: "attn.attn")
      stored.append((renamed, [32] + shape.dropFirst(), packed))
    }
    return stored
  }

  /// lit-gpt's names for GPT-NeoX, whose packed q, k, v of each head are its own.
  func litGPTOfNeoX() -> [Tensor] {
    let names = [
      "gpt_neox.embed_in": "transformer.wte", "gpt_neox.layers.": "transformer.h.", "input_layernorm": "norm_1",
      "post_attention_layernorm": "norm_2", "attention.query_key_value": "attn.attn", "attention.dense": "attn.proj",
      "dense_h_to_4h": "fc", "dense_4h_to_h": "proj", "gpt_neox.final_layer_norm": "transformer.ln_f",
      "embed_out": "lm_head",
    ]
    return tensors.map { name, shape, values in
      (names.reduce(name) { $0.replacingOccurrences(of: $1.key, with: $1.value) }, shape, values)
    }
  }

  /// Keras' names, as transformers' TFGPT2LMHeadModel has them.
  func tensorFlow() -> [Tensor] {
    tensors.map { name, shape, values in
      let root = "transformer/tfgp_t2lm_head_model/transformer/"
      var path = name.replacingOccurrences(of: "transformer.", with: "").replacingOccurrences(of: "h.", with: "h_._")
      let isNorm = path.contains("ln_")
      let isBias = path.hasSuffix("bias")
      path = path.replacingOccurrences(of: ".weight", with: "/" + (isNorm ? "gamma:0" : "weight:0"))
      path = path.replacingOccurrences(of: ".bias", with: "/" + (isNorm ? "beta:0" : "bias:0"))
      if name.contains("wpe") { path = "wpe/embeddings:0" }
      // The dot in `h_._0` stays.
      path = path.replacingOccurrences(of: "_.", with: "_@").replacingOccurrences(of: ".", with: "/")
        .replacingOccurrences(of: "_@", with: "_.")
      return (root + path, isBias && !isNorm ? [1] + shape : shape, values)
    }
  }

  /// The bytes of llama2.c's file: the inverse of what its `permute_reverse` undoes, each kind stacked over the blocks.
  func llama2C() -> [UInt8] {
    let ownsHead = tensors.contains { $0.name == "lm_head.weight" }
    let header: [Int32] = [16, 12, 2, 4, 2, ownsHead ? -7 : 7, 6]
    var bytes = header.flatMap { number in withUnsafeBytes(of: number.littleEndian) { Array($0) } }
    func append(_ values: [Float]) {
      for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 } }
    }
    func appendBlocks(_ name: String, pairs: Bool = false) {
      for layer in 0..<2 {
        let values = values("model.layers.\(layer).\(name).weight")
        append(pairs ? DialectFixture.neighbours(values, width: 16, headDimension: 4) : values)
      }
    }
    append(values("model.embed_tokens.weight"))
    appendBlocks("input_layernorm")
    appendBlocks("self_attn.q_proj", pairs: true)
    appendBlocks("self_attn.k_proj", pairs: true)
    appendBlocks("self_attn.v_proj")
    appendBlocks("self_attn.o_proj")
    appendBlocks("post_attention_layernorm")
    appendBlocks("mlp.gate_proj")
    appendBlocks("mlp.down_proj")
    appendBlocks("mlp.up_proj")
    append(values("model.norm.weight"))
    append([Float](repeating: -1, count: 2 * 6 * 2))
    append(values("lm_head.weight"))
    return bytes
  }

  /// Rows (i, i + D/2) of every head side by side.
  private static func neighbours(_ values: [Float], width: Int, headDimension: Int) -> [Float] {
    var result: [Float] = []
    for head in stride(from: 0, to: values.count / width, by: headDimension) {
      for index in 0..<headDimension / 2 {
        for row in [head + index, head + index + headDimension / 2] {
          result += values[row * width..<(row + 1) * width]
        }
      }
    }
    return result
  }

  private static func transposed(_ values: [Float], rows: Int) -> [Float] {
    let columns = values.count / rows
    return (0..<values.count).map { values[$0 % rows * columns + $0 / rows] }
  }
}

/// A checkpoint with settings beside its tensors, as pickles have them.
struct SettingsCheckpoint: CheckpointReader {
  let base: any CheckpointReader
  let settings: JSONObject

  var path: String { base.path }
  var format: CheckpointFormat { base.format }
  var tensors: [TensorDescription] { base.tensors }
  var metadata: [String: String] { base.metadata }
  var files: [String] { base.files }
  func description(of name: String) -> TensorDescription? { base.description(of: name) }
  func contents(of name: String) throws(CheckpointError) -> TensorContents { try base.contents(of: name) }
  func header(of path: String) -> UnsafeRawBufferPointer? { base.header(of: path) }
}

extension TemporaryFolder {
  /// A safetensors file.
  @discardableResult
  func write(_ tensors: [DialectFixture.Tensor], to name: String = "model.safetensors") throws -> any CheckpointReader {
    let sources = tensors.map { tensor in
      TensorSource(name: tensor.name, type: .float32, shape: tensor.shape) { elements, bytes in
        tensor.values[elements].withUnsafeBytes { bytes.copyMemory(from: $0) }
      }
    }
    try SafetensorsWriter.write(sources, toFile: path + "/" + name)
    return try Checkpoint.open(path + "/" + name)
  }

  func write(_ object: JSONObject, to name: String) throws {
    try AtomicFile.write(path + "/" + name) { try $0.write(JSON.object(object).serialized()) }
  }
}
