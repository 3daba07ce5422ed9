import Foundation

/// Everything that a run needs, made up: a byte-level tokenizer, a text, a recipe.
extension Folder {
  /// GPT-2's files without merges: the id of a byte is the byte, `<|endoftext|>` is 256.
  func writeTokenizer(_ name: String = "tokenizer") throws {
    var entries: [String] = []
    // GPT-2 writes the bytes that do not print as the characters from U+0100 on (openai/gpt-2, src/encoder.py).
    var next: UInt32 = 0x100
    for byte in UInt32(0)..<256 {
      let prints = (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || (0xAE...0xFF).contains(byte)
      let code = prints ? byte : next
      if !prints { next += 1 }
      entries.append(String(format: "\"\\u%04x\": %d", code, byte))
    }
    entries.append("\"<|endoftext|>\": 256")
    try write(name + "/vocab.json", "{" + entries.joined(separator: ", ") + "}")
    try write(name + "/merges.txt", "#version: 0.2\n")
    try write(
      name + "/tokenizer_config.json",
      #"{"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}"#)
  }

  /// JSON lines of simple sentences.
  func writeText(_ name: String = "text.jsonl", documents: Int = 200) throws {
    let animals = ["cat", "dog", "hen", "fox"]
    let places = ["barn", "garden", "house"]
    let lines = (0..<documents).map { index in
      let animal = animals[index % 4]
      let place = places[index * 7 % 3]
      return #"{"text": "The \#(animal) went to the \#(place). In the \#(place) the \#(animal) slept."}"#
    }
    try write(name, lines.joined(separator: "\n") + "\n")
  }

  static let configuration =
    "{model_type: gpt2, vocab_size: 257, n_positions: 32, n_embd: 16, n_layer: 2, n_head: 2, torch_dtype: float32}"

  /// A fresh GPT-2 of 2 blocks on `data`, with a checkpoint every few steps.
  func writeRecipe(_ name: String = "run.yaml", steps: Int = 12, checkpointEvery: Int = 5, extra: String = "") throws {
    try write(
      name,
      """
      model:
        config: \(Folder.configuration)
        tokenizer: \(path)/tokenizer
      data:
        train: \(path)/data
        sequence_length: 32
      schedule:
        learning_rate: 1e-3
        warmup_steps: 2
      training:
        steps: \(steps)
        micro_batch_size: 2
        global_batch_size: 4
        seed: 7
      validation:
        every: \(steps)
        batches: 2
      checkpoints:
        every: \(checkpointEvery)
        keep: 2
      output:
        directory: \(path)/run
        log_every: 1
      \(extra)
      """)
  }

  /// Tokenizer, text, prepared data and recipe.
  func prepare(steps: Int = 12, checkpointEvery: Int = 5) throws {
    try writeTokenizer()
    try writeText()
    try writeRecipe(steps: steps, checkpointEvery: checkpointEvery)
    let outcome = try Command.run(
      "prepare", path + "/text.jsonl", "--tokenizer", path + "/tokenizer", "--output", path + "/data",
      "--validation-fraction", "0.1")
    guard outcome.status == 0 else { throw CocoaError(.fileReadUnknown, userInfo: ["errors": outcome.errors]) }
  }
}
