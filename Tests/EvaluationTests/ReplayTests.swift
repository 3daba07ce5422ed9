import Files
import TestSupport
import Testing
import Tokenization

@testable import Evaluation

/// Everything but the model, against runs of the harness: the requests' texts and token ids, metrics, standard errors
/// and files, from the reference's own log-likelihoods.
@Suite(.enabled(if: Shared.isAvailable, "needs shared/"))
struct ReplayTests {
  private func evaluate(_ run: ReferenceRun) throws -> EvaluationResult {
    var options = EvaluationOptions()
    options.bos = run.bos
    options.fewShot = run.fewShot
    options.bootstrapIterations = try #require(run.results()["reference"]?["bootstrap_iters"]?.integer)
    options.keepsDocuments = true
    let evaluator = try Evaluator(
      tokenizer: Tokenizer.load(directory: run.model), dataDirectory: run.data, options: options)
    return try evaluator.evaluate(run.tasks(), scorer: ReplayScorer(run))
  }

  private func report(_ run: ReferenceRun) throws -> EvaluationReport {
    EvaluationReport(
      try evaluate(run), model: ModelDescription(name: run.model, dtype: "float32", device: "cpu", version: "test"))
  }

  @Test(arguments: ReferenceRun.all)
  func documentsAreEqual(_ run: ReferenceRun) throws {
    let result = try evaluate(run)
    let names = Set(result.tasks.map(\.configuration.name))
    #expect(!names.isEmpty)
    let expected = try run.documents().filter { names.contains($0["task"]?.string ?? "") }
    let found = result.tasks.flatMap { task in
      task.documents.map { SampleRow.document($0, task: task.configuration.name) }
    }
    #expect(found.count == expected.count)
    for (found, expected) in zip(found, expected) {
      let expected = withoutTokenScores(expected).serialized()
      #expect(JSON.object(found).serialized() == expected)
    }
  }

  /// Per-token log-probabilities are in some references and are no part of our format.
  private func withoutTokenScores(_ document: JSON) -> JSON {
    guard var object = document.object, let requests = object["requests"]?.array else { return document }
    object["requests"] = .array(
      requests.map { request in
        var kept = JSONObject()
        for (key, value) in request.object ?? [:] where key != "token_logprobs" { kept[key] = value }
        return .object(kept)
      })
    return .object(object)
  }

  @Test(arguments: ReferenceRun.all)
  func resultsAreEqual(_ run: ReferenceRun) throws {
    let expected = try run.results()
    let found = JSON.object(try report(run).results)
    for task in try run.tasks().map(\.name) {
      for section in ["results", "versions", "n-shot", "higher_is_better", "n-samples"] {
        let expected = try #require(expected[section]?[task]).serialized()
        #expect(found[section]?[task]?.serialized() == expected, "\(section) of \(task)")
      }
      let reference = try #require(expected["configs"]?[task]?.object)
      let ours = try #require(found["configs"]?[task]?.object)
      // The reference read local rows, left out splits that had no file, and shows Python functions as their source.
      let local: Set = ["custom_dataset", "dataset_path", "training_split", "validation_split", "test_split"]
      #expect(reference.map(\.key).filter { !local.contains($0) } == ours.map(\.key).filter { !local.contains($0) })
      for (key, value) in ours where !local.contains(key) && key != "fewshot_config" && !isFunction(value) {
        #expect(value == reference[key], "\(key) of \(task)")
      }
      for key in ["training_split", "validation_split", "test_split"] {
        if let split = reference[key] { #expect(ours[key] == split, "\(key) of \(task)") }
      }
      for (key, value) in try #require(ours["fewshot_config"]?.object) where !isFunction(value) {
        #expect(value == reference["fewshot_config"]?[key], "fewshot_config.\(key) of \(task)")
      }
    }
  }

  private func isFunction(_ value: JSON) -> Bool { value.string?.hasPrefix("!function") ?? false }

  @Test(arguments: ReferenceRun.all)
  func tableRowsAreEqual(_ run: ReferenceRun) throws {
    func rows(_ table: String) -> [[String]] {
      var name = ""
      return table.split(separator: "\n").dropFirst(2).map { line in
        var cells = line.split(separator: "|", omittingEmptySubsequences: false).map { PythonString.strip(String($0)) }
        if cells[1].isEmpty { cells[1] = name } else { name = cells[1] }
        return cells
      }
    }
    let expected = rows(try run.table())
    let found = rows(try report(run).table)
    #expect(!found.isEmpty)
    for row in found { #expect(expected.contains(row), "\(row)") }
  }

  @Test(arguments: ReferenceRun.all)
  func theTableOfTheReferenceResultsIsEqualByteForByte(_ run: ReferenceRun) throws {
    #expect(ResultsTable(try run.results()).text + "\n" == (try run.table()))
  }
}
