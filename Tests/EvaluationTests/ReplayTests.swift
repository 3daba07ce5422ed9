import Files
import Templates
import TestSupport
import Testing
import Tokenization

@testable import Evaluation

/// Everything but the model, against runs of the harness: the requests' texts and token ids, metrics, standard errors
/// and files, from the reference's own log-likelihoods.
@Suite(.enabled(if: Shared.isAvailable, "needs shared/"))
struct ReplayTests {
  private func report(_ run: ReferenceRun) throws -> EvaluationReport {
    var options = EvaluationOptions()
    options.bos = run.bos
    options.fewShot = run.fewShot
    options.bootstrapIterations = try #require(run.results()["reference"]?["bootstrap_iters"]?.integer)
    options.keepsDocuments = true
    let evaluator = try Evaluator(
      tokenizer: Tokenizer.load(directory: run.model), dataDirectory: run.data, options: options)
    return EvaluationReport(
      try evaluator.evaluate(run.selection(), scorer: ReplayScorer(run)),
      model: ModelDescription(name: run.model, dtype: "float32", device: "cpu", version: "test"))
  }

  @Test(arguments: ReferenceRun.all)
  func everythingIsEqual(_ run: ReferenceRun) throws {
    let report = try report(run)
    try expectDocuments(report.result, run)
    try expectConfigurations(report, run)
    try expectMeasurements(report, run)
    #expect(report.table + "\n" == (try run.table()))
  }

  private func expectDocuments(_ result: EvaluationResult, _ run: ReferenceRun) throws {
    let expected = try run.documents()
    let found = result.tasks.flatMap { task in
      task.documents.map { SampleRow.document($0, task: task.configuration.name) }
    }
    #expect(found.count == expected.count && !found.isEmpty)
    for (found, expected) in zip(found, expected) {
      var found = found
      var expected = withoutTokenScores(expected)
      if found["task"] == .string("truthfulqa_mc2") {
        // NumPy's exp is not the C library's in the last place.
        let value = try #require(found.removeValue(forKey: "metrics")?["acc"]?.double)
        let other = try #require(expected.removeValue(forKey: "metrics")?["acc"]?.double)
        #expect(abs(value - other) <= 2 * other.ulp)
      }
      #expect(JSON.object(found).serialized() == JSON.object(expected).serialized())
    }
  }

  /// Per-token log-probabilities are in some references and are no part of our format.
  private func withoutTokenScores(_ document: JSON) -> JSONObject {
    guard var object = document.object, let requests = object["requests"]?.array else { return document.object ?? [:] }
    object["requests"] = .array(
      requests.map { request in
        var kept = JSONObject()
        for (key, value) in request.object ?? [:] where key != "token_logprobs" { kept[key] = value }
        return .object(kept)
      })
    return object
  }

  private func expectConfigurations(_ report: EvaluationReport, _ run: ReferenceRun) throws {
    let expected = try run.results()
    let found = JSON.object(report.results)
    for task in try run.tasks().map(\.name) {
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

  /// Everything that a run measured, groups too.
  private func expectMeasurements(_ report: EvaluationReport, _ run: ReferenceRun) throws {
    let expected = try run.results()
    let found = report.measurements
    for section in ["results", "groups", "group_subtasks", "versions", "n-shot", "higher_is_better", "n-samples"] {
      guard let members = expected[section]?.object else {
        #expect(section == "groups" && found[section] == nil)
        continue
      }
      let own = try #require(found[section]?.object)
      #expect(own.map(\.key) == members.map(\.key), "\(section)")
      for (name, value) in members {
        #expect(own[name]?.serialized() == value.serialized(), "\(section) of \(name)")
      }
    }
  }

  @Test(arguments: ReferenceRun.all)
  func theTableOfTheReferenceResultsIsEqualByteForByte(_ run: ReferenceRun) throws {
    #expect(ResultsTable(try run.results()).text + "\n" == (try run.table()))
  }
}
