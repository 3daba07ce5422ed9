import Files
import Foundation

/// The reference, the model that inherited its first blocks, and the model of the same size from scratch, side by side.
public struct Comparison: Sendable {
  public let reference: TrainedModel
  public let inherited: TrainedModel
  public let scratch: TrainedModel

  public init(reference: TrainedModel, inherited: TrainedModel, scratch: TrainedModel) {
    self.reference = reference
    self.inherited = inherited
    self.scratch = scratch
  }

  /// Reads `runs/NAME` and `evaluation/NAME` below the output directory of scripts/quickstart.sh.
  /// - Throws: `QuickstartError`, `FileError`.
  public init(directory: String) throws {
    let hasQuestions = FileManager.default.fileExists(atPath: "\(directory)/data/\(Question.rowFile)")
    func model(_ label: String, _ name: String) throws -> TrainedModel {
      try TrainedModel(
        label: label, run: "\(directory)/runs/\(name)", evaluation: "\(directory)/evaluation/\(name)",
        hasQuestions: hasQuestions)
    }
    self.init(
      reference: try model("reference", "reference"), inherited: try model("inherited", "inherited"),
      scratch: try model("from scratch", "scratch"))
  }

  /// Writes `report.md` and `validation-loss.svg`.
  /// - Throws: `FileError`.
  public func write(to directory: String) throws {
    try AtomicFile.write("\(directory)/validation-loss.svg") { try $0.write(chart) }
    try AtomicFile.write("\(directory)/report.md") { file in
      try file.write("\(markdown)\n![Validation loss of the three models](validation-loss.svg)\n")
    }
  }

  private var models: [TrainedModel] { [reference, inherited, scratch] }

  /// The validation curves of the three runs.
  var chart: String {
    LossChart(
      title: "\(inherited.blocks) of \(reference.blocks) blocks inherited, and \(scratch.blocks) blocks from scratch",
      curves: models.map { model in
        LossChart.Curve(
          label: "\(model.label), \(model.blocks) blocks",
          points: model.validations.map { (x: Double($0.tokens), y: $0.loss) })
      }
    ).svg
  }

  /// Markdown: the table, and what it says in words, whichever way it falls.
  public var markdown: String { table + "\n" + sentences.map { "- \($0)\n" }.joined() }

  // MARK: - Table

  private var table: String {
    let header = [
      "model", "blocks", "parameters", "steps", "tokens", "validation loss", "held-out loss",
      "held-out word perplexity",
      "questions right",
    ]
    let rows = models.map { model in
      [
        model.label, "\(model.blocks)", model.parameters.map(Number.short) ?? "–", "\(model.last.step)",
        Number.short(model.last.tokens), Number.fixed(model.last.loss, 3), Number.fixed(model.heldOutLoss, 3),
        Number.fixed(model.wordPerplexity, 2), Self.percent(model.accuracy, model.accuracyError),
      ]
    }
    let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
    func line(_ cells: [String]) -> String {
      let padded = zip(cells, widths).enumerated().map { column, cell in
        let blanks = String(repeating: " ", count: cell.1 - cell.0.count)
        return column == 0 ? cell.0 + blanks : blanks + cell.0
      }
      return "| \(padded.joined(separator: " | ")) |\n"
    }
    let rule = widths.enumerated().map { column, width in
      column == 0 ? String(repeating: "-", count: width) : String(repeating: "-", count: width - 1) + ":"
    }
    return line(header) + line(rule) + rows.map(line).joined()
  }

  private static func percent(_ value: Double?, _ error: Double?) -> String {
    guard let value, let error else { return "–" }
    return "\(Number.fixed(100 * value, 1)) % ± \(Number.fixed(100 * error, 1))"
  }

  // MARK: - In words

  private var sentences: [String] {
    var sentences = [startingPoint, heldOut]
    if let questions { sentences.append(questions) }
    sentences.append(overtaking)
    return sentences
  }

  private var startingPoint: String {
    let first = inherited.validations[0]
    return "Before its first step (step \(first.step)) the inherited model's validation loss was "
      + "\(Number.fixed(first.loss, 3)); from scratch it was \(Number.fixed(scratch.validations[0].loss, 3))."
  }

  private var heldOut: String {
    let difference = scratch.heldOutLoss - inherited.heldOutLoss
    let toReference = inherited.heldOutLoss - reference.heldOutLoss
    return "On the held-out text, after the same steps and tokens, the inherited model's loss is "
      + "\(Self.comparison(-difference)) than that of the model from scratch, and \(Self.comparison(toReference)) than the "
      + "reference's."
  }

  private static func comparison(_ difference: Double) -> String {
    "\(Number.fixed(abs(difference), 3)) \(difference < 0 ? "lower" : "higher")"
  }

  /// The difference in right answers against its standard error (both models answer the same questions, so it is an upper bound).
  private var questions: String? {
    guard let own = inherited.accuracy, let other = scratch.accuracy, let ownError = inherited.accuracyError,
      let otherError = scratch.accuracyError
    else { return nil }
    let difference = own - other
    let error = (ownError * ownError + otherError * otherError).squareRoot()
    let verdict = abs(difference) > 2 * error ? "more than chance would explain" : "no more than chance can explain"
    return "On the questions (guessing gives 25 %) it answers \(Number.fixed(abs(100 * difference), 1)) points "
      + "\(difference < 0 ? "fewer" : "more") rightly than the model from scratch: \(verdict)."
  }

  private var overtaking: String {
    let target = scratch.last.loss
    guard let point = inherited.validations.first(where: { $0.loss <= target }) else {
      return "It did not reach the final validation loss of the model from scratch (\(Number.fixed(target, 3)))."
    }
    return "It reached the final validation loss of the model from scratch (\(Number.fixed(target, 3))) by step "
      + "\(point.step) of \(scratch.last.step)."
  }
}
