import Files
import Foundation
import Testing

@testable import QuickstartData

@Suite struct ReportTests {
  private func model(
    _ label: String, blocks: Int = 4, losses: [Double], heldOut: Double, accuracy: Double?
  ) -> TrainedModel {
    TrainedModel(
      label: label, blocks: blocks, parameters: 1_234_567,
      validations: losses.enumerated().map { .init(step: 100 * $0, tokens: 400_000 * $0, loss: $1) },
      heldOutLoss: heldOut, wordPerplexity: 3.25, accuracy: accuracy, accuracyError: accuracy.map { _ in 0.02 })
  }

  private func comparison(inherited: [Double], heldOut: Double, accuracy: Double?) -> Comparison {
    Comparison(
      reference: model(
        "reference", blocks: 8, losses: [6.5, 2, 1.2, 1.1], heldOut: 1.1, accuracy: accuracy.map { _ in 0.9 }),
      inherited: model("inherited", losses: inherited, heldOut: heldOut, accuracy: accuracy),
      scratch: model("from scratch", losses: [6.5, 2.5, 1.6], heldOut: 1.6, accuracy: accuracy.map { _ in 0.5 }))
  }

  @Test func sentencesWhenInheritingHelps() {
    let text = comparison(inherited: [3, 1.5, 1.3], heldOut: 1.25, accuracy: 0.7).markdown
    #expect(text.contains("loss was 3.000; from scratch it was 6.500"))
    #expect(text.contains("0.350 lower than that of the model from scratch, and 0.150 higher than the reference's"))
    #expect(text.contains("20.0 points more rightly") && text.contains("more than chance would explain"))
    #expect(text.contains("(1.600) by step 100 of 200"))
  }

  @Test func sentencesWhenItDoesNot() {
    let text = comparison(inherited: [3, 1.9, 1.7], heldOut: 1.75, accuracy: 0.48).markdown
    #expect(text.contains("0.150 higher than that of the model from scratch, and 0.650 higher than the reference's"))
    #expect(text.contains("2.0 points fewer rightly") && text.contains("no more than chance can explain"))
    #expect(text.contains("did not reach the final validation loss of the model from scratch (1.600)"))
  }

  @Test func tableIsAligned() {
    let lines = comparison(inherited: [3, 1.5, 1.3], heldOut: 1.25, accuracy: 0.7).markdown.split(separator: "\n")
    let table = lines.prefix { $0.hasPrefix("|") }
    #expect(table.count == 5)
    #expect(Set(table.map(\.count)).count == 1)
    #expect(table[3].contains("| inherited ") && table[3].contains(" 1.23 M ") && table[3].contains("70.0 % ± 2.0 |"))
  }

  @Test func withoutQuestions() {
    let text = comparison(inherited: [3, 1.5, 1.3], heldOut: 1.25, accuracy: nil).markdown
    #expect(!text.contains("questions (guessing") && text.contains(" – |"))
  }

  // MARK: - Metrics files

  private func validations(_ text: String) throws -> [TrainedModel.Validation] {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/metrics.jsonl"
    try AtomicFile.write(path) { try $0.write(text) }
    return try TrainedModel.validations(path)
  }

  @Test func validationLinesOfARunThatWasResumed() throws {
    let found = try validations(
      """
      {"step": 0, "tokens": 0, "validation_loss": 6.5, "perplexity": 665.1}
      {"step": 10, "tokens": 40960, "loss": 4.5, "learning_rate": 0.001}
      {"step": 20, "tokens": 81920, "validation_loss": 4.0, "perplexity": 54.6}
      {"step": 10, "tokens": 40960, "loss": 4.5, "learning_rate": 0.001}
      {"step": 20, "tokens": 81920, "validation_loss": 4, "perplexity": 54.6}
      """)
    #expect(found == [.init(step: 0, tokens: 0, loss: 6.5), .init(step: 20, tokens: 81920, loss: 4)])
  }

  @Test func brokenMetrics() throws {
    #expect { try validations("{\"step\": 1, \"validation_loss\": 2}\n{\"step\"") } throws: {
      "\($0)".hasSuffix("metrics.jsonl:1: a validation without the whole numbers 'step' and 'tokens'")
    }
    #expect { try validations("{\"loss\": 1}\n{\"step\"") } throws: { "\($0)".contains("metrics.jsonl:2: ") }
    #expect { try validations("{\"loss\": 1}\n") } throws: { "\($0)".contains("no validation loss in it") }
  }

  @Test func readsADirectory() throws {
    let directory = try TemporaryDirectory()
    let text: [String: String] = [
      "metrics.jsonl": """
      {"step": 0, "tokens": 0, "validation_loss": 6}
      {"step": 5, "tokens": 50, "validation_loss": 3}
      """,
      "checkpoints/latest/config.json": "{\"num_hidden_layers\": 8}",
      "text.json": "{\"total\": {\"loss\": 2.5, \"word_perplexity\": 12.5}}",
      "results.json": """
      {"results": {"openbookqa": {"acc,none": 0.75, "acc_stderr,none": 0.02}}, "config": {"model_num_parameters": 9000}}
      """,
    ]
    for (name, content) in text { try AtomicFile.write("\(directory.path)/\(name)") { try $0.write(content) } }
    let model = try TrainedModel(
      label: "reference", run: directory.path, evaluation: directory.path, hasQuestions: true)
    #expect(model.blocks == 8 && model.parameters == 9000 && model.heldOutLoss == 2.5 && model.wordPerplexity == 12.5)
    #expect(model.accuracy == 0.75 && model.accuracyError == 0.02 && model.last.loss == 3)

    try AtomicFile.write("\(directory.path)/text.json") { try $0.write("{\"total\": {\"loss\": 2.5}}") }
    #expect {
      try TrainedModel(label: "reference", run: directory.path, evaluation: directory.path, hasQuestions: true)
    } throws: {
      "\($0)".hasSuffix("text.json: 'total.word_perplexity' is missing or no number")
    }
  }

  // MARK: - Chart

  @Test func ticksAreRound() {
    let ticks = Ticks(covering: 1.13...2.47)
    #expect(ticks.values.map(ticks.label) == ["1.0", "1.5", "2.0", "2.5"])
    #expect(Ticks(covering: 0...3_276_800).range == 0...4_000_000)
    #expect(Ticks(covering: 2...2).values.count >= 2)
  }

  @Test func chartShowsEveryCurve() throws {
    let svg = comparison(inherited: [3, 1.5, 1.3], heldOut: 1.25, accuracy: 0.7).chart
    #expect(svg.matches(of: /<polyline/).count == 3)
    for label in ["reference, 8 blocks: 1.100", "inherited, 4 blocks: 1.300", "from scratch, 4 blocks: 1.600"] {
      #expect(svg.contains(">\(label)<"))
    }
    // The last points stand inside the plotting area, in the order of their losses.
    let ends = try svg.matches(of: /<circle cx="([0-9.]+)" cy="([0-9.]+)"/).map { try #require(Double($0.2)) }
    #expect(ends == ends.sorted() && ends.allSatisfy { $0 > 56 && $0 <= 400 })
  }

  @Test func labelsDoNotOverlap() throws {
    let curves = (0..<3).map { index in
      LossChart.Curve(label: "<\(index)>", points: [(x: 0, y: 2), (x: 100, y: 1 + 0.0001 * Double(index))])
    }
    let svg = LossChart(title: "A & B", curves: curves).svg
    #expect(svg.contains("A &amp; B") && svg.contains("&lt;2&gt;"))
    let heights = try svg.matches(of: /<text x="620.0" y="([0-9.]+)"/).map { try #require(Double($0.1)) }
    #expect(heights.count == 3)
    for (upper, lower) in zip(heights, heights.dropFirst()) { #expect(lower - upper >= 17.9) }
  }
}
