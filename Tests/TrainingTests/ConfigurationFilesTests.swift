import CPUBackend
import Foundation
import Models
import Testing

@testable import Training

/// The recipes of the repository's `configs/`.
@Suite struct ConfigurationFilesTests {
  private static let directory: String = {
    var url = URL(fileURLWithPath: #filePath)
    // Through symbolic links: the file's own place is in the repository.
    url.resolveSymlinksInPath()
    for _ in 0..<3 { url.deleteLastPathComponent() }
    return url.appendingPathComponent("configs").path
  }()

  static let files: [String] = {
    let names = FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
    return names.filter { $0.hasSuffix(".yaml") }.sorted()
  }()

  @Test func areThere() {
    for name in [
      "openllama-1.5b", "gpt2-medium-16l", "gpt2-large-18l", "gpt2-xl-24l", "tinystories-3l", "shakespeare-gpt2",
    ] {
      #expect(Self.files.contains(name + ".yaml"))
    }
  }

  @Test(arguments: files)
  func canBePlannedWithoutWeights(file: String) throws {
    let recipe = try TrainingRecipe.load(Self.directory + "/" + file)
    let model = try model(of: recipe)
    let estimate = try RunEstimate(recipe, model: model, device: CPUDevice(threads: 1).info, tokensPerEpoch: nil)
    #expect((estimate.totalSteps ?? 0) > 0 && estimate.memory.total > 4 * model.parameterCount)
    #expect(try TrainingRecipe(parsing: recipe.yaml(), source: file) == recipe)
  }

  /// Parameter counts of paper.md; those of the reference models and of their first layers.
  @Test(arguments: [
    ("openllama-1.5b", 1.816e9), ("gpt2-medium-16l", 253.9e6), ("gpt2-large-18l", 419.6e6), ("gpt2-xl-24l", 819.5e6),
    ("gpt2-medium", 354.6e6), ("gpt2-large", 773.6e6), ("gpt2-xl", 1556.8e6),
  ])
  func haveThePapersSizes(name: String, parameters: Double) throws {
    let model = try model(of: TrainingRecipe.load("\(Self.directory)/\(name).yaml"))
    #expect(abs(Double(model.parameterCount) / parameters - 1) < 1e-3, "\(model.parameterCount)")
  }

  /// The model of `config`, or its first layers.
  private func model(of recipe: TrainingRecipe) throws -> Model {
    let whole = try #require(try recipe.model.configuredModel())
    guard let layers = recipe.model.layers else { return whole }
    return try whole.selectingLayers((0..<(try #require(Int(layers)))).map { $0 })
  }
}
