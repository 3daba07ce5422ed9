import Datasets
import Files
import Foundation
import HDF5Fixtures
import Models
import Programs
import Tensors
import TestSupport
import Testing

@testable import Training

/// What a run is trained on: mixtures, HDF5 files, masked documents.
@Suite struct DataTests {
  let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try directory.writeTokens("m/one")
    try directory.writeTokens("m/two", 300, seed: 9)
    try writeMixture(weights: [3, 1])
  }

  private func writeMixture(weights: [Int]) throws {
    let domains = [("one", 600), ("two", 300)].enumerated().map { index, domain in
      """
      {"name": "\(domain.0)", "weight": \(weights[index]),
       "train": {"file": "\(domain.0)/train.bin", "tokens": \(domain.1), "documents": 1},
       "validation": {"file": "\(domain.0)/validation.bin", "tokens": 120, "documents": 1}}
      """
    }
    try directory.write(
      "m/dataset.json",
      """
      {"format": "inheritune-mixture", "version": 1, "dtype": "uint16", "vocabulary_size": 17, "tokenizer_sha256": "ab",
       "document_separator": "append", "separator_token": 4, "domains": [\(domains.joined(separator: ","))]}
      """)
  }

  /// The tokens of a .bin file in an HDF5 file beside it.
  private func writeHDF5(_ name: String) throws {
    let ids = [UInt8](try directory.read(name + ".bin"))
    var fixture = HDF5Fixture()
    let data = fixture.append(ids)
    let dataset = fixture.object([
      HDF5Fixture.dataspace([ids.count / 2]), HDF5Fixture.integer(2),
      HDF5Fixture.contiguous(at: data, count: ids.count),
    ])
    let root = fixture.group([("tokens", .object(dataset))])
    try Data(fixture.file(root: root)).write(to: URL(fileURLWithPath: "\(directory.path)/\(name).h5"))
  }

  private func recipe(steps: Int = 6, _ change: (inout TrainingRecipe) -> Void = { _ in }) -> TrainingRecipe {
    tinyRecipe(directory, steps: steps) {
      $0.data.train = [.init(paths: [directory.path + "/m"])]
      change(&$0)
    }
  }

  private func listed(_ recipe: inout TrainingRecipe, _ names: [String], weights: [Double]) {
    recipe.data.train = zip(names, weights).map { .init(paths: ["\(directory.path)/m/\($0)"], weight: $1) }
  }

  private func losses(_ run: String = "run") throws -> [Double] {
    try metrics(directory, run).compactMap { $0["loss"]?.double }
  }

  // MARK: Mixtures

  @Test func aMixtureIsItsDomains() throws {
    for sampling in Sampling.allCases {
      let whole = recipe {
        $0.data.sampling = sampling
        $0.output.directory += "1" + sampling.rawValue
      }
      let parts = recipe {
        listed(&$0, ["one", "two"], weights: [3, 1])
        $0.data.sampling = sampling
        $0.output.directory += "2" + sampling.rawValue
      }
      let other = recipe {
        $0.data.weights = ["two": 9]
        $0.data.sampling = sampling
        $0.output.directory += "3" + sampling.rawValue
      }
      for recipe in [whole, parts, other] { try train(recipe) }
      #expect(try losses("run1" + sampling.rawValue) == losses("run2" + sampling.rawValue))
      #expect(try losses("run1" + sampling.rawValue) != losses("run3" + sampling.rawValue))
    }
  }

  @Test func unknownDomainsNameTheNearest() throws {
    #expect(
      trainingError { try makeTrainer(recipe { $0.data.weights = ["tow": 1] }) }?.description
        == "'data.weights.tow': \(directory.path)/m has no domain of this name; did you mean 'two'?")
    #expect(
      trainingError { try makeTrainer(recipe { $0.data.weights = ["wikipedia": 1] }) }?.description.hasSuffix(
        "its domains are one, two") == true)
    let plain = directory.path + "/m/one"
    #expect(
      trainingError {
        try makeTrainer(
          recipe {
            $0.data.train[0].paths = [plain]
            $0.data.weights = ["one": 1]
          })
      }
        == .noMixture(path: plain))
  }

  /// A run goes on with the weights that it began with, or not at all.
  @Test func weightsAreSavedWithTheRun() throws {
    let recipe = recipe { $0.data.weights = ["two": 2] }
    try train(recipe, stoppingAt: 2)
    #expect(try TrainingRecipe.load(directory.path + "/run/config.yaml").data.weights == ["one": 3, "two": 2])
    try writeMixture(weights: [3, 7])
    #expect(try makeTrainer(recipe).summary.resumed?.step == 2)
    try writeMixture(weights: [5, 7])
    guard case .recipeChanged(_, "data.weights.one", _, _)? = trainingError(of: { try makeTrainer(recipe) }) else {
      return #expect(Bool(false), "accepted") as Void
    }
  }

  @Test func theSummaryHasShares() throws {
    let summary = try #require(try recipe { $0.data.sampling = .epochs }.dataSummary(model: tinyModel()))
    #expect(summary.sources.map(\.name) == ["one", "two"] && summary.sources.map(\.tokens) == [600, 300])
    #expect(summary.sources.map(\.share) == [0.75, 0.25] && summary.tokensPerEpoch == (74 + 37) * 8)
    #expect(try recipe { $0.data.train[0].paths = ["nowhere/*.bin"] }.dataSummary(model: tinyModel()) == nil)
  }

  // MARK: Going on

  private static let kinds: [(name: String, change: @Sendable (inout TrainingRecipe, String) -> Void)] = [
    ("mixture", { recipe, _ in recipe.data.sampling = .epochs }),
    ("HDF5", { recipe, path in recipe.data.train = [.init(paths: [path + "/m/one/train.h5"])] }),
    ("masked targets", { recipe, _ in recipe.data.documentMasking = .loss }),
    ("masked attention", { recipe, _ in recipe.data.documentMasking = .attention }),
  ]

  @Test(arguments: 0..<4) func interruptedRunsAreTheWholeRun(kind: Int) throws {
    try writeHDF5("m/one/train")
    let steps = 5
    let whole = recipe(steps: steps) {
      Self.kinds[kind].change(&$0, directory.path)
      $0.validation.every = kind == 1 ? 0 : 2
    }
    try train(whole)
    var parts = whole
    parts.output.directory += "-parts"
    for last in 1..<steps { try train(parts, stoppingAt: last) }
    try train(parts)
    #expect(try metrics(directory, "run-parts") == metrics(directory))
    for file in ["model.safetensors", "training/optimizer.safetensors"] {
      let path = String(format: "checkpoints/step-%08d/", steps) + file
      #expect(try directory.read("run-parts/" + path) == directory.read("run/" + path))
    }
  }

  /// Ids in one format are the ids in the other: the same batches, and the same fingerprint.
  @Test func aRunMayMoveToHDF5() throws {
    try writeHDF5("m/one/train")
    var moved = recipe { $0.data.train = [.init(paths: [directory.path + "/m/one/train.bin"])] }
    try train(moved)
    let expected = try metrics(directory)
    moved.output.directory += "-moved"
    try train(moved, stoppingAt: 3)
    moved.data.train[0].paths = [directory.path + "/m/one/train.h5"]
    #expect(try makeTrainer(moved).summary.changes.map(\.key) == ["data.train.0.paths"])
    try train(moved)
    #expect(try metrics(directory, "run-moved") == expected)
  }

  /// The cursor of a checkpoint, as state.json has had it from the first version on.
  @Test func olderCursorsAreRead() throws {
    let json = """
      {"draws": 20, "sampling": "epochs", "seed": 1337, "sequenceLength": 8, "sources": [
        {"epoch": 0, "position": 15, "rows": 15, "tokens": 600}, {"epoch": 0, "position": 5, "rows": 5, "tokens": 300}]}
      """
    let state = try JSONDecoder().decode(LoaderState.self, from: Data(json.utf8))
    var parts = recipe()
    listed(&parts, ["one", "two"], weights: [3, 1])
    let loader = try BatchLoader(sources: parts.data.sources(), sequenceLength: 8, sampling: .epochs, seed: 1337)
    loader.skip(rows: 20)
    #expect(loader.state == state)
  }

  // MARK: Masks

  /// The mean over the targets that count, of all micro-batches together, whatever their size.
  @Test(arguments: [DocumentMasking.loss, .attention]) func maskedLossesAreMeansOfWhatCounts(masking: DocumentMasking)
    throws
  {
    var first: [Double] = []
    var norms: [[Double]] = []
    for rows in [1, 2, 4] {
      let recipe = recipe(steps: 2) {
        $0.data.documentMasking = masking
        $0.training.microBatchSize = rows
        $0.output.directory += "\(rows)"
      }
      let trainer = try makeTrainer(recipe)
      let batches = try BatchPrefetcher(
        BatchLoader(
          sources: recipe.data.sources(), sequenceLength: 8, sampling: .windows, seed: recipe.training.seed,
          masking: masking), globalBatch: 4)
      let batch = try batches.next()
      let program = try LossProgram(
        trainer.model, store: trainer.store, rows: 4, length: 8, masksDocuments: masking == .attention)
      func upload(_ values: UnsafeMutablePointer<Int32>, to tensor: Tensor) {
        trainer.store.device.upload(UnsafeRawBufferPointer(start: values, count: 4 * 32), to: tensor)
      }
      upload(batch.rows.tokens, to: program.tokens)
      upload(batch.rows.targets, to: program.targets)
      if let tensor = program.documentStarts, let starts = batch.rows.documentStarts { upload(starts, to: tensor) }
      try program.run()
      let losses = try program.readLosses()
      let counted = (0..<32).filter { batch.rows.targets[$0] >= 0 }.map { Double(losses[$0]) }
      #expect(counted.count == batch.targetCount && counted.count < 32)
      let mean = counted.reduce(0, +) / Double(counted.count)
      _ = try trainer.run { _ in .proceed }
      let lines = try metrics(directory, "run\(rows)")
      let loss = try #require(lines.first?["loss"]?.double)
      #expect(abs(loss - mean) < 1e-6, "\(loss) \(mean)")
      // Tokens are those that were read.
      #expect(lines.last?["tokens"]?.integer == 64)
      first.append(loss)
      norms.append(lines.compactMap { $0["gradient_norm"]?.double })
    }
    #expect(first.allSatisfy { abs($0 - first[0]) < 1e-6 })
    #expect(norms.allSatisfy { zip($0, norms[0]).allSatisfy { abs($0 - $1) < 1e-5 * $1 } })
  }

  @Test func masksMakeADifference() throws {
    var all: [[Double]] = []
    for masking in DocumentMasking.allCases {
      try train(
        recipe(steps: 2) {
          $0.data.documentMasking = masking
          $0.validation.every = 1
          $0.output.directory += masking.rawValue
        })
      let lines = try metrics(directory, "run" + masking.rawValue)
      all.append(lines.compactMap { $0["loss"]?.double } + lines.compactMap { $0["validation_loss"]?.double })
    }
    #expect(all.allSatisfy { $0.count == 5 } && Set(all).count == 3)
    // The mask of the first validation is already one.
    #expect(Set(all.map { $0[2] }).count == 3)
  }

  @Test func theSeparatorMustBeKnown() throws {
    let plain = recipe {
      listed(&$0, ["one", "two"], weights: [1, 1])
      $0.data.documentMasking = .loss
    }
    #expect(throws: DatasetError.unknownBoundary(path: directory.path + "/m/one/train.bin")) { try makeTrainer(plain) }
    var told = plain
    told.data.documentSeparator = DocumentBoundary(token: 4, side: .append)
    try train(told)
    // The mixture says the same.
    try train(
      recipe {
        $0.data.documentMasking = .loss
        $0.data.weights = ["one": 1]
        $0.output.directory += "2"
      })
    #expect(try losses() == losses("run2"))
  }

  @Test func shortFilesAreNoted() throws {
    try directory.writeTokens("m/three", 8)
    let recipe = recipe { $0.data.train[0].paths = [directory.path + "/m/one", directory.path + "/m/three/train.bin"] }
    #expect(
      try makeTrainer(recipe).summary.notes == [
        "\(directory.path)/m/three/train.bin: left out, its 8 tokens are too few for a sequence of 8"
      ])
  }
}
