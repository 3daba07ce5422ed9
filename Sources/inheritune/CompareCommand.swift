import ArgumentParser
import Evaluation
import Files

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Shows two evaluations side by side, differences in standard errors.",
    discussion: """
      A and B are directories or results files of eval --output or of lm-eval --output_path. Where both have samples
      (--log-samples), the difference is that over the documents they share, with the standard error of the paired
      difference; elsewhere the two are taken as independent.

        inheritune compare results/reference results/child
        inheritune compare results/child lm-eval-output/child/results_2026-01-01T12-00-00.json --json
      """)

  @Argument(help: ArgumentHelp("The one evaluation: a directory or a results file.", valueName: "a"))
  var first: String

  @Argument(help: ArgumentHelp("The other one.", valueName: "b"))
  var second: String

  @Flag(help: "One JSON object instead of a table.")
  var json = false

  func run() throws {
    let comparison = try Comparison(RecordedResults(first), RecordedResults(second))
    if json { return print(JSON.object(comparison.json).serialized()) }
    for (name, results) in [("A", comparison.a), ("B", comparison.b)] {
      let model = results.model.map { "  (\(Format.printable($0)))" } ?? ""
      print("\(name)  \(results.path)\(model)")
    }
    print("\n" + comparison.table, terminator: "")
    for note in comparison.notes { StandardError.write("note: \(Format.printable(note))\n") }
  }
}
