import Datasets
import Files
import Foundation

/// Everything of a run that is neither weights nor moments, at the end of a step: `training/state.json`.
struct TrainingState: Sendable, Equatable {
  static let fileName = "state.json"
  private static let format = "inheritune-training-state"

  /// Steps done; also Adam's t.
  var step: Int
  /// Tokens trained on.
  var tokens: Int
  /// Wall-clock time of all sessions.
  var seconds: Double
  /// Of this step, and the length of the run then: to look at, since the schedule follows from the recipe.
  var learningRate: Double
  var totalSteps: Int
  /// The cursor in the data with the state of its random generator, the only one a run has.
  var loader: LoaderState
  /// See `TrainingData.fingerprints`.
  var fingerprints: [String]
  /// SHA-256 of `training/recipe.yaml`.
  var recipeHash: String

  func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let loader = try JSON(parsing: String(decoding: encoder.encode(loader), as: UTF8.self))
    let json: JSONObject = [
      "format": .string(TrainingState.format), "version": .integer(1), "step": .integer(Int64(step)),
      "tokens": .integer(Int64(tokens)), "seconds": .number(seconds), "learning_rate": .number(learningRate),
      "total_steps": .integer(Int64(totalSteps)), "data": loader,
      "data_sha256": .array(fingerprints.map { .string($0) }), "recipe_sha256": .string(recipeHash),
    ]
    try AtomicFile.write(path) { try $0.write(JSON.object(json).serialized(indent: 1) + "\n") }
  }

  /// - Throws: `TrainingError.damagedCheckpoint`, `FileError`.
  init(path: String) throws {
    func damaged(_ reason: String) -> TrainingError { .damagedCheckpoint(path: path, reason: reason) }
    let root: JSON
    do { root = try JSON(contentsOf: path, duplicateKeys: .refused) } catch let error as JSONError {
      throw damaged("not JSON: \(error)")
    }
    guard root["format"]?.string == TrainingState.format, root["version"]?.integer == 1 else {
      throw damaged("expected format \"\(TrainingState.format)\", version 1")
    }
    func count(_ key: String) throws -> Int {
      guard let value = root[key]?.integer, value >= 0 else {
        throw damaged("'\(key)': expected a whole number, 0 or more")
      }
      return value
    }
    func number(_ key: String) throws -> Double {
      guard let value = root[key]?.double, value.isFinite else { throw damaged("'\(key)': expected a number") }
      return value
    }
    step = try count("step")
    tokens = try count("tokens")
    totalSteps = try count("total_steps")
    seconds = try number("seconds")
    learningRate = try number("learning_rate")
    guard let hash = root["recipe_sha256"]?.string else { throw damaged("'recipe_sha256': expected a text") }
    recipeHash = hash
    fingerprints = (root["data_sha256"]?.array ?? []).compactMap(\.string)
    do {
      loader = try JSONDecoder().decode(LoaderState.self, from: Data((root["data"] ?? .null).serialized().utf8))
    } catch {
      throw damaged("'data': not the position of a loader")
    }
    guard fingerprints.count == loader.sources.count else {
      throw damaged("'data_sha256': expected \(loader.sources.count) texts")
    }
  }

  init(
    step: Int, tokens: Int, seconds: Double, learningRate: Double, totalSteps: Int, loader: LoaderState,
    fingerprints: [String], recipeHash: String
  ) {
    self.step = step
    self.tokens = tokens
    self.seconds = seconds
    self.learningRate = learningRate
    self.totalSteps = totalSteps
    self.loader = loader
    self.fingerprints = fingerprints
    self.recipeHash = recipeHash
  }
}
