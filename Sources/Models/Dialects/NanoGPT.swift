import Checkpoints
import Files

/// nanoGPT's `ckpt.pt` (karpathy/nanoGPT, model.py and train.py), and those of the paper's GPT-2 runs, which are made by
/// its code: GPT-2's names with `nn.Linear` for `Conv1D`, so that matrices are transposed.
///
/// The activation is not said. It is taken for the tanh form of GELU, which the paper's code has, as nanoGPT had at first; a
/// checkpoint of a later nanoGPT, which has the exact one, needs a config.json with `"activation_function": "gelu"`.
struct NanoGPT: ModelDialect {
  static let name = "nanoGPT"
  static let modelTypes = ["gpt2"]
  static let configurationPlace: String? = "'model_args' in the file"

  /// The matrices that `Conv1D` has the other way round.
  private static let transposed: Set = [
    "transformer.h.*.attn.c_attn.weight", "transformer.h.*.attn.c_proj.weight", "transformer.h.*.mlp.c_fc.weight",
    "transformer.h.*.mlp.c_proj.weight",
  ]

  private static let blockPrefix = "transformer.h."

  private let checkpoint: any CheckpointReader

  init?(_ checkpoint: any CheckpointReader) {
    // [3C, C]; `Conv1D` has [C, 3C].
    guard let shape = checkpoint.description(of: "transformer.h.0.attn.c_attn.weight")?.shape, shape.count == 2,
      checkpoint.settings["model_args"]?.object != nil || shape[0] / 3 == shape[1]
    else { return nil }
    self.checkpoint = checkpoint
  }

  func configuration(in directory: String) throws -> JSONObject? {
    guard let arguments = checkpoint.settings["model_args"]?.object else { return nil }
    let c = ConfigurationReader(arguments, source: "\(checkpoint.path): model_args")
    let context = try c.checked("block_size")
    let dropout = JSON.number(arguments["dropout"]?.double.flatMap { (0...1).contains($0) ? $0 : nil } ?? 0)
    // Byte-pair vocabularies have GPT-2's end of text; those of characters have none.
    let vocabularySize = try c.integer("vocab_size")
    let endOfText = vocabularySize > 50256 ? JSON.integer(50256) : .null
    let hasBias = checkpoint.description(of: "transformer.h.0.attn.c_attn.bias") != nil
    return [
      "architectures": .array([.string("GPT2LMHeadModel")]), "model_type": .string("gpt2"),
      "activation_function": .string("gelu_new"), "vocab_size": .integer(Int64(vocabularySize)), "n_positions": context,
      "n_ctx": context, "n_embd": try c.checked("n_embd"), "n_head": try c.checked("n_head"),
      "n_layer": .integer(Int64(blockCount)), "layer_norm_epsilon": .number(1e-5), "initializer_range": .number(0.02),
      "resid_pdrop": dropout, "embd_pdrop": dropout, "attn_pdrop": dropout,
      "bias": .bool(try c.bool("bias", default: hasBias)),
      "scale_attn_by_inverse_layer_idx": .bool(try c.bool("scale_attn_by_inverse_layer_idx", default: false)),
      "tie_word_embeddings": .bool(try isTied), "bos_token_id": endOfText, "eos_token_id": endOfText,
      "torch_dtype": .string(checkpoint.commonType.torchName),
    ]
  }

  /// As many as are stored. The paper's code cuts blocks out of a model without changing `model_args`, whose `n_layer` is
  /// then the count before.
  private var blockCount: Int {
    let numbers = checkpoint.tensors.compactMap { tensor -> Int? in
      guard tensor.name.hasPrefix(NanoGPT.blockPrefix) else { return nil }
      return Int(tensor.name.dropFirst(NanoGPT.blockPrefix.count).prefix { $0 != "." })
    }
    return Set(numbers).count
  }

  /// nanoGPT has one matrix for embedding and head, which a pickle stores once under both names. Two places are two
  /// matrices, which may differ.
  private var isTied: Bool {
    get throws {
      let names = ["transformer.wte.weight", "lm_head.weight"]
      guard names.allSatisfy({ checkpoint.description(of: $0) != nil }) else { return true }
      return try checkpoint.contents(of: names[0]).isSame(as: checkpoint.contents(of: names[1]))
    }
  }

  func place(of entry: WeightEntry, in model: Model) -> StoredTensor? {
    guard NanoGPT.transposed.contains(entry.pattern) else { return StoredTensor(name: entry.name, shape: entry.shape) }
    return StoredTensor(name: entry.name, shape: entry.shape.reversed(), view: \.transposed)
  }

  /// The head that is the embedding, and the causal mask that versions without flash attention keep as a buffer.
  func isIgnored(_ name: String) -> Bool { name == "lm_head.weight" || name.hasSuffix(".attn.bias") }
}
