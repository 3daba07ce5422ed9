import Files
import Foundation
import Templates
import Testing
import Tokenization

@testable import Evaluation

struct EvaluationReportTests {
  private func report(keepsDocuments: Bool = true) throws -> EvaluationReport {
    let data = try TemporaryFolder()
    try data.write(
      "hellaswag/validation.jsonl",
      #"{"ind": 1, "activity_label": "Röof", "ctx_a": "A man.", "ctx_b": "he", "#
        + #""endings": ["waits. [step] ok", "x"], "label": "1"}"#
    )
    try data.write("lambada_openai/test.jsonl", "{\"text\": \"one two\"}\n{\"text\": \"one three\"}\n")
    try data.write("wikitext/test.jsonl", #"{"page": " = A = \n some text \n "}"#)
    try data.write(
      "winogrande/validation.jsonl", #"{"sentence": "A _ b .", "option1": "x", "option2": "y", "answer": "1"}"#)
    var options = EvaluationOptions()
    options.bootstrapIterations = 100
    options.keepsDocuments = keepsDocuments
    let evaluator = try Evaluator(tokenizer: ByteTokenizer.make(), dataDirectory: data.path, options: options)
    let result = try evaluator.evaluate(
      TaskCatalog.builtIn.select("hellaswag,lambada_openai,wikitext,winogrande"), scorer: ToyScorer())
    let model = ModelDescription(
      name: "org/na:me", parameterCount: 12, dtype: "float32", device: "cpu", batchSize: "4", version: "0.1")
    return EvaluationReport(result, model: model)
  }

  @Test func headlineIsTheHarnesss() throws {
    #expect(
      try report().headline
        == "inheritune (pretrained=org/na:me,dtype=float32), gen_kwargs: (None), limit: None, num_fewshot: None, "
        + "batch_size: 4"
    )
  }

  @Test func resultsHaveTheHarnesssKeys() throws {
    let results = try report().results
    #expect(
      results.map(\.key).prefix(7)
        == ["results", "group_subtasks", "configs", "versions", "n-shot", "higher_is_better", "n-samples"])
    let entry = try #require(results["results"]?["lambada_openai"]?.object)
    #expect(
      entry.map(\.key)
        == ["name", "alias", "sample_len", "perplexity,none", "perplexity_stderr,none", "acc,none", "acc_stderr,none"])
    #expect(results["results"]?["wikitext"]?["word_perplexity_stderr,none"] == .string("N/A"))
    // One row has no standard error.
    #expect(results["results"]?["winogrande"]?["acc_stderr,none"] == .string("N/A"))
    #expect(results["model_name_sanitized"] == .string("org__na__me"))
    #expect(results["max_length"] == .integer(64))
    #expect(results["tokenizer_bos_token"] == .array([.string("<|endoftext|>"), .string("256")]))
    #expect(results["task_hashes"]?.object?.count == 4)
    #expect(try report(keepsDocuments: false).results["task_hashes"] == .object([:]))
  }

  @Test func filesAreWritten() throws {
    let report = try report()
    let folder = try TemporaryFolder()
    let paths = try report.write(to: folder.path + "/new/out", logsSamples: true)
    #expect(paths.map { String($0.dropFirst(folder.path.count + 9)) } == (try report.fileNames(logsSamples: true)))
    #expect(
      Set(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/new/out"))
        == Set(try report.fileNames(logsSamples: true)))
    let results = try JSON(parsing: folder.read("new/out/results.json"))
    #expect(try folder.read("new/out/table.md") == ResultsTable(results).text + "\n")
    #expect(results == .object(report.results))
    let documents = try folder.read("new/out/documents.jsonl").split(separator: "\n").map {
      try JSON(parsing: String($0))
    }
    #expect(
      documents.map { $0["task"]?.string } == [
        "hellaswag", "lambada_openai", "lambada_openai", "wikitext", "winogrande",
      ])
    #expect(documents[0].object?.map(\.key) == ["task", "doc_id", "gold", "metrics", "requests"])
    #expect(
      documents[3].object?.map(\.key)
        == ["task", "doc_id", "gold", "metrics", "text", "token_ids", "loglikelihood", "windows"])
    let other = try TemporaryFolder()
    try report.write(to: other.path, logsSamples: false)
    #expect(try FileManager.default.contentsOfDirectory(atPath: other.path).sorted() == ["results.json", "table.md"])
  }

  /// A folder may hold more than results, under names like theirs.
  @Test func onlyWhatAnEarlierEvaluationWroteGoes() throws {
    let logged = try report()
    let plain = try report(keepsDocuments: false)
    let folder = try TemporaryFolder()
    func names() throws -> [String] { try FileTree.names(in: folder.path) }
    let others = ["documents.jsonl", "paper.md", "samples_mine.jsonl", "samples_wikitext.jsonl"]
    for name in others { try folder.write(name, "mine") }
    try plain.write(to: folder.path, logsSamples: false)
    #expect(try names() == (others + ["results.json", "table.md"]).sorted())
    for name in others { #expect(try folder.read(name) == "mine") }
    // Results of another program say nothing of ours, and damaged ones nothing at all.
    for results in [#"{"task_hashes": {"mine": "x", "wikitext": "x"}}"#, "{", "[]"] {
      try folder.write("results.json", results)
      try plain.write(to: folder.path, logsSamples: false)
      #expect(try names() == (others + ["results.json", "table.md"]).sorted())
    }
    try logged.write(to: folder.path, logsSamples: true)
    try plain.write(to: folder.path, logsSamples: false)
    #expect(try names() == ["paper.md", "results.json", "samples_mine.jsonl", "table.md"])
    // Only files in the folder itself.
    let hostile = try TemporaryFolder()
    try hostile.write("x/victim.jsonl", "mine")
    try hostile.write("out/samples_dir.jsonl/file", "mine")
    try hostile.write(
      "out/results.json", #"{"inheritune": {}, "task_hashes": {"/../../x/victim": "", "dir": "", "a\u0000b": ""}}"#)
    try plain.write(to: hostile.path + "/out", logsSamples: false)
    #expect(try hostile.read("x/victim.jsonl") == "mine" && hostile.read("out/samples_dir.jsonl/file") == "mine")
  }

  @Test func tasksDoNotShareAFile() throws {
    #expect(
      try ResultFiles.names(tasks: ["a/b", "c"], hasPreset: true, logsSamples: true)
        == ["results.json", "table.md", "paper.md", "documents.jsonl", "samples_a__b.jsonl", "samples_c.jsonl"])
    #expect(try ResultFiles.names(tasks: ["a/b", "a__b"], hasPreset: false, logsSamples: false).count == 2)
    do {
      _ = try ResultFiles.names(tasks: ["a/b", "c", "a__b"], hasPreset: false, logsSamples: true)
      Issue.record("accepted")
    } catch { #expect("\(error)".contains("'a/b' and 'a__b'") && "\(error)".contains("samples_a__b.jsonl")) }
  }

  /// Python's `str()`, not JSON.
  @Test func targetsAndScoresArePythonsTexts() {
    func row(_ target: PythonValue, _ score: Double = -1.5) -> JSONObject {
      SampleRow.sample(
        DocumentResult(
          id: 0, row: [:], target: target,
          answers: .requests([
            RequestResult(
              context: "q", continuation: " a", ids: ScoreRequest(context: [1], continuation: [2]),
              score: Score(logProbability: score, isGreedy: true))
          ]), metrics: []))
    }
    for (target, text) in [
      (PythonValue.bool(true), "True"), (.none, "None"), (.list([.integer(0), "it's"]), "[0, \"it's\"]"),
      (.float(1e16), "1e+16"), (.string("true"), "true"),
    ] {
      #expect(row(target)["target"] == .string(text))
      #expect(row(target)["target_hash"] == .string(SHA256.hex(of: text)))
    }
    for (score, text) in [(Double.nan, "nan"), (-.infinity, "-inf"), (-18.9, "-18.9"), (-1e-5, "-1e-05"), (-2, "-2.0")]
    {
      #expect(row(.none, score)["filtered_resps"]?.array?.first == .array([.string(text), .string("True")]))
      #expect(row(.none, score)["resps"]?.array?.first?.array?.first == .array([.string(text), .string("True")]))
    }
  }

  /// The hashes were computed with CPython from the harness's `json.dumps(doc, indent=2, ensure_ascii=False)`.
  @Test func sampleRowsAreTheHarnesss() throws {
    let tasks = try report().result.tasks
    let hellaSwag = SampleRow.sample(tasks[0].documents[0])
    #expect(
      hellaSwag.map(\.key) == [
        "doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash",
        "prompt_hash",
        "target_hash", "acc", "acc_norm",
      ])
    #expect(hellaSwag["target"] == .string("1"))
    #expect(hellaSwag["doc_hash"] == .string("d36dc47b43e46c165be61b2385018a0a595000e6eee0443a26ce302befb247d8"))
    #expect(hellaSwag["prompt_hash"] == .string("425fc126de5bb470f1a2c718e07705c12868bbd013d218063f2e819a5021a318"))
    #expect(hellaSwag["target_hash"] == .string("6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"))
    #expect(hellaSwag["arguments"]?["gen_args_1"]?.serialized() == #"{"arg_0": "Röof: A man. He", "arg_1": " x"}"#)
    let score = try #require(hellaSwag["filtered_resps"]?.array?.first?.array)
    #expect(Double(try #require(score[0].string)) != nil)
    #expect(score[1] == .string("False"))
    #expect(hellaSwag["resps"]?.array?.first == .array([.array(score)]))
    let winoGrande = SampleRow.sample(tasks[3].documents[0])
    #expect(winoGrande["target"] == .string("b ."))
    #expect(winoGrande["doc_hash"] == .string("c5ba080e9a3b883aba6ff0974f48d577dd080749455d942e190a7bb4e0e92a28"))
    let wikiText = SampleRow.sample(tasks[2].documents[0])
    #expect(wikiText["arguments"]?.serialized() == #"{"gen_args_0": {"arg_0": " = A =\nsome text\n"}}"#)
    #expect(wikiText["resps"]?.array?.first?.array?.first?.string != nil)
    #expect(wikiText["word_perplexity"]?.array?[1] == .integer(7))
  }
}
