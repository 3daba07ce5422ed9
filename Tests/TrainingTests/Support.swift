import Files
import Foundation
import Models
import Programs
import Tensors
import TestSupport

@testable import Training

/// A directory that goes when the test ends.
final class TemporaryDirectory {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "/training-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path)") }
  }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> String {
    let file = path + "/" + name
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    return file
  }

  func read(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)) }
  func text(_ name: String) throws -> String { String(decoding: try read(name), as: UTF8.self) }
  func names(_ directory: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path + "/" + directory).sorted()
  }

  /// Token files as nanoGPT's scripts leave them: `count` training tokens with structure, and validation tokens, ids
  /// below 17.
  func writeTokens(_ name: String, _ count: Int = 600, validation: Int = 120, seed: UInt64 = 3) throws {
    for (file, count, seed) in [("train.bin", count, seed), ("validation.bin", validation, seed + 1)] where count > 0 {
      var random = SplitMix64(seed: seed)
      var id = 0
      let bytes = (0..<count).flatMap { _ -> [UInt8] in
        id = (3 * id + 1 + random.next(below: 3)) % 17
        return [UInt8(id), 0]
      }
      try FileManager.default.createDirectory(atPath: path + "/" + name, withIntermediateDirectories: true)
      try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)/\(file)"))
    }
  }
}

/// A GPT-2 of 2 layers, width 8, vocabulary 17, context 8.
let tinyGPT2: JSONObject = [
  "model_type": .string("gpt2"), "n_layer": .integer(2), "n_embd": .integer(8), "n_head": .integer(2),
  "n_positions": .integer(8), "vocab_size": .integer(17),
]

/// A LLaMA of 2 layers, width 8, grouped-query attention, vocabulary 17, context 8.
let tinyLlama: JSONObject = [
  "model_type": .string("llama"), "num_hidden_layers": .integer(2), "hidden_size": .integer(8),
  "num_attention_heads": .integer(2), "num_key_value_heads": .integer(1), "intermediate_size": .integer(12),
  "max_position_embeddings": .integer(8), "vocab_size": .integer(17),
]

func tinyModel(_ configuration: JSONObject = tinyLlama) throws -> Model {
  try Model(configuration: configuration, source: "test")
}

/// A short run over `directory/data` into `directory/run`, without validation; `change` makes it what the test wants.
func tinyRecipe(
  _ directory: TemporaryDirectory, steps: Int = 6, _ change: (inout TrainingRecipe) -> Void = { _ in }
) -> TrainingRecipe {
  var recipe = TrainingRecipe(
    model: .init(configuration: .inline(tinyLlama)),
    data: .init(train: [.init(paths: [directory.path + "/data"])]), training: .init(duration: .steps(steps)),
    output: .init(directory: directory.path + "/run"))
  recipe.schedule.learningRate = 0.01
  recipe.schedule.warmupSteps = min(2, steps - 1)
  recipe.training.globalBatch = .sequences(4)
  recipe.training.microBatchSize = 2
  recipe.training.precision = .float32
  recipe.validation.every = 0
  recipe.checkpoints.every = 2
  recipe.output.logEvery = 1
  change(&recipe)
  return recipe
}

/// A trainer on a device of its own.
func makeTrainer(
  _ recipe: TrainingRecipe, device: any Device = ReferenceDevice(), resume: Trainer.Resume = .auto,
  evaluate: EvaluationHook? = nil
) throws -> Trainer {
  var options = Trainer.Options()
  options.resume = resume
  options.evaluate = evaluate
  return try Trainer(recipe, device: device, options: options) {
    try StartingPoint(recipe) { source, _ in .pretrained(source) }
  }
}

/// Trains, and stops after `last` where it is given. Returns what was reported.
@discardableResult
func train(
  _ recipe: TrainingRecipe, stoppingAt last: Int? = nil, device: any Device = ReferenceDevice(),
  resume: Trainer.Resume = .auto, evaluate: EvaluationHook? = nil
) throws -> (outcome: TrainOutcome, events: [TrainEvent]) {
  let trainer = try makeTrainer(recipe, device: device, resume: resume, evaluate: evaluate)
  var events: [TrainEvent] = []
  let outcome = try trainer.run { event in
    events.append(event)
    if case .step(let report) = event, report.step == last { return .stop }
    return .proceed
  }
  return (outcome, events)
}

/// The metrics lines of a run, without what depends on the clock.
func metrics(_ directory: TemporaryDirectory, _ run: String = "run") throws -> [JSONObject] {
  try directory.text(run + "/metrics.jsonl").split(separator: "\n").map { line in
    var object = try JSON(parsing: String(line)).object ?? JSONObject()
    for key in ["tokens_per_second", "mfu", "seconds"] { object.removeValue(forKey: key) }
    return object
  }
}

func trainingError<T>(of body: () throws -> T) -> TrainingError? {
  do { _ = try body() } catch { return error as? TrainingError }
  return nil
}
