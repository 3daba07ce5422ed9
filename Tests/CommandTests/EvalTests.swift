import Foundation
import Testing

/// `eval` on tasks and `compare`, as a user runs them.
struct EvalTests {
  private let folder: Folder
  private let model: String

  /// Trained once for all tests.
  private static let trained = Result {
    let folder = try Folder()
    try folder.prepare(steps: 4)
    #expect(try Command.run("train", folder.path + "/run.yaml").status == 0)
    return folder
  }

  init() throws {
    folder = try Folder()
    model = try Self.trained.get().path + "/run/checkpoints/latest"
    try writeRows()
  }

  private func rows(_ count: Int, _ row: (Int) -> String) -> String { (0..<count).map(row).joined(separator: "\n") }

  private func writeRows(count: Int = 20) throws {
    try folder.write(
      "data/piqa/validation.jsonl",
      rows(count) { #"{"goal": "g\#($0)", "sol1": "a\#($0 % 7)", "sol2": "b", "label": \#($0 % 2)}"# })
    for split in ["dev", "test"] {
      try folder.write(
        "data/mmlu_anatomy/\(split).jsonl",
        rows(6) { #"{"question": "q\#($0)", "choices": ["w", "x", "y", "z"], "answer": \#($0 % 4)}"# })
    }
  }

  private func eval(_ arguments: String...) throws -> Command.Running {
    try Command.start(["eval", model, "--data", folder.path + "/data", "--threads", "1"] + arguments)
  }

  private func results(_ name: String) throws -> NSDictionary {
    let data = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/\(name)/results.json"))
    let object = try JSONSerialization.jsonObject(with: data) as? [String: Any]
    return try #require(object?["results"] as? NSDictionary)
  }

  @Test func taskFile() throws {
    try folder.write(
      "mine.yaml",
      """
      task: mine
      output_type: multiple_choice
      test_split: test
      doc_to_text: "{{question}}:"
      doc_to_choice: "{{choices}}"
      doc_to_target: answer
      metric_list: [{metric: acc}]
      metadata: {version: 3}
      """)
    try folder.write(
      "data/mine/test.jsonl", rows(5) { #"{"question": "q\#($0)", "choices": ["a", "b"], "answer": 1}"# })
    let file = folder.path + "/mine.yaml"
    let outcome = try eval("--task-file", file, "--tasks", "mine,piqa").finish()
    #expect(outcome.status == 0 && outcome.output.contains("|mine ") && outcome.output.contains("|piqa "), "\(outcome)")
    // Without --tasks it is those of the files.
    let alone = try eval("--task-file", file, "--limit", "2").finish()
    #expect(alone.status == 0 && alone.output.contains("|mine ") && !alone.output.contains("|piqa "), "\(alone)")
    #expect(try eval("--tasks", "list", "--task-file", file).finish().output.contains("mine"))
    let missing = try eval("--task-file", folder.path + "/none.yaml").finish()
    #expect(missing.status == 1 && missing.errors.contains("none.yaml"), "\(missing)")
  }

  @Test func preset() throws {
    let outcome = try eval(
      "--preset", "paper", "--tasks", "piqa,mmlu_anatomy", "--output", folder.path + "/out"
    ).finish()
    #expect(outcome.status == 0, "\(outcome)")
    #expect(outcome.output.contains("| Inheritune-1.5B (1B)") && outcome.output.contains("|mmlu_anatomy") == false)
    #expect(outcome.errors.contains("no BOS"), "\(outcome.errors)")
    let paper = try folder.read("out/paper.md")
    #expect(outcome.output.hasSuffix(paper) && paper.contains("| Model "))
    // All ten columns: what is missing is named before the weights are read.
    let all = try eval("--preset", "paper").finish()
    #expect(all.status == 1, "\(all)")
    for task in ["boolq", "wsc", "truthfulqa_mc2", "mmlu_virology"] { #expect(all.errors.contains(task), "\(all)") }
    for (arguments, word) in [
      (["--preset", "paper", "--num-fewshot", "3"], "--num-fewshot"), (["--preset", "paper", "--bos", "yes"], "--bos"),
      (["--preset", "book"], "paper"), (["--text", "x", "--preset", "paper"], "--tasks"),
    ] {
      let wrong = try Command.start(["eval", model, "--data", "d"] + arguments).finish()
      #expect(wrong.status == 64 && wrong.errors.contains(word), "\(wrong)")
    }
  }

  /// Files that are there are somebody's, under whatever name, and known before the model is read.
  @Test func filesOfOthers() throws {
    try folder.write("mine/documents.jsonl", "mine")
    try folder.write("mine/paper.md", "mine")
    try folder.write("mine/samples_piqa.jsonl", "mine")
    let out = folder.path + "/mine"
    for (arguments, name) in [
      (["--tasks", "piqa", "--log-samples"], "documents.jsonl"),
      (["--preset", "paper", "--tasks", "piqa"], "paper.md"),
    ] {
      let refused = try Command.start(
        ["eval", folder.path + "/no-model", "--data", folder.path + "/data", "--output", out] + arguments
      ).finish()
      #expect(refused.status == 1 && refused.errors.contains("mine/\(name): exists already"), "\(refused)")
    }
    // Names that this evaluation does not write are left alone.
    #expect(try eval("--tasks", "piqa", "--output", out).finish().status == 0)
    for name in ["documents.jsonl", "paper.md", "samples_piqa.jsonl"] {
      #expect(try folder.read("mine/\(name)") == "mine")
    }
    try folder.write("taken/results.json/file", "mine")
    let taken = try eval("--tasks", "piqa", "--output", folder.path + "/taken", "--force").finish()
    #expect(taken.status == 1 && taken.errors.contains("results.json: a directory"), "\(taken)")
    #expect(taken.output.isEmpty && !taken.errors.contains("scoring"), "\(taken)")
    let missing = try Command.run(
      "eval", folder.path + "/no-model", "--tasks", "piqa", "--data", folder.path + "/data", "--output",
      folder.path + "/new")
    #expect(missing.status == 1 && !folder.exists("new"), "\(missing)")
  }

  /// An answer that does not fit the context of 32, rows that are wrong: the file and the line.
  @Test func badRows() throws {
    try folder.write(
      "data/piqa/validation.jsonl",
      "{\"goal\": \"g\", \"sol1\": \"a\", \"sol2\": \"b\", \"label\": 0}\n"
        + "{\"goal\": \"g\", \"sol1\": \"\(String(repeating: "long ", count: 9))\", \"sol2\": \"b\", \"label\": 0}")
    let long = try eval("--tasks", "piqa", "--output", folder.path + "/out").finish()
    #expect(long.status == 1 && long.errors.contains("piqa/validation.jsonl:2"), "\(long)")
    #expect(long.errors.contains("window of 32"), "\(long)")
    try folder.write("data/piqa/validation.jsonl", "{\"goal\": \"g\"}")
    let missing = try eval("--tasks", "piqa").finish()
    #expect(missing.status == 1 && missing.errors.contains("piqa/validation.jsonl:1"), "\(missing)")
  }

  /// Stopped or killed in the middle: the next run scores the rest, and the results are those of a whole run.
  @Test func resume() throws {
    try writeRows(count: 2500)
    #expect(try eval("--tasks", "piqa", "--output", folder.path + "/whole", "--batch-size", "1").finish().status == 0)
    #expect(!folder.exists("whole/scores.journal"))
    for (signal, status) in [(SIGINT, Int32(130)), (SIGTERM, Int32(143)), (SIGKILL, SIGKILL)] {
      let out = folder.path + "/out"
      let running = try eval("--tasks", "piqa", "--output", out, "--batch-size", "1")
      try waitForScores(50)
      running.send(signal)
      let outcome = try running.finish()
      #expect(outcome.status == status && outcome.wasKilled == (signal == SIGKILL), "\(outcome)")
      if signal != SIGKILL { #expect(outcome.errors.contains("the same command goes on from here"), "\(outcome)") }
      #expect(folder.exists("out/scores.journal") && !folder.exists("out/results.json"))
      // As if it had been killed while it wrote its results.
      try folder.write("out/table.md", "half")
      try expectOthersAreRefused(out)

      let again = try eval("--tasks", "piqa,mmlu_anatomy", "--output", out, "--batch-size", "1").finish()
      #expect(again.status == 0 && again.errors.contains("resumed: "), "\(again)")
      #expect(!folder.exists("out/scores.journal"))
      #expect(try results("out")["piqa"] as? NSDictionary == results("whole")["piqa"] as? NSDictionary)
      try FileManager.default.removeItem(atPath: out)
    }
  }

  /// The scores of one model are not another's.
  private func expectOthersAreRefused(_ out: String) throws {
    let name = "other-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder.path + "/" + name, withIntermediateDirectories: true)
    for file in ["config.json", "model.safetensors", "vocab.json", "merges.txt", "tokenizer_config.json"] {
      try FileManager.default.copyItem(atPath: model + "/" + file, toPath: "\(folder.path)/\(name)/\(file)")
    }
    let other = try Command.run(
      "eval", folder.path + "/" + name, "--data", folder.path + "/data", "--tasks", "piqa", "--output", out)
    #expect(other.status == 1 && other.errors.contains("other weights"), "\(other)")
    #expect(other.errors.contains("--force"), "\(other)")
  }

  private func waitForScores(_ count: Int) throws {
    for _ in 0..<5000 {
      if folder.exists("out/scores.journal"), try folder.data("out/scores.journal").count > count * 48 { return }
      usleep(1000)
    }
    Issue.record("nothing is scored")
  }

  @Test func compare() throws {
    let (a, b) = (folder.path + "/a", folder.path + "/b")
    #expect(try eval("--tasks", "piqa,mmlu_anatomy", "--output", a, "--log-samples").finish().status == 0)
    #expect(try eval("--tasks", "piqa", "--output", b, "--log-samples", "--limit", "9").finish().status == 0)
    let table = try Command.run("compare", a, b)
    #expect(table.status == 0 && table.output.contains("| piqa ") && table.output.contains(" 9 |"), "\(table)")
    #expect(table.errors.contains("note: piqa: 20 documents in A, 9 in B"), "\(table.errors)")
    let json = try Command.run("compare", a + "/results.json", b, "--json")
    let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    #expect((object?["rows"] as? [Any])?.count == 2)
    let nothing = try Command.run("compare", a, folder.path + "/data")
    #expect(nothing.status == 1 && nothing.errors.contains("results.json") && nothing.output.isEmpty, "\(nothing)")
    #expect(try Command.run("compare", a).status == 64)
  }
}
