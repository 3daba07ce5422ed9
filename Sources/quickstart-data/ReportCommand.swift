import ArgumentParser
import QuickstartData

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Compares the three models of a quickstart: a table and a chart.",
    discussion: """
      Example: quickstart-data report quickstart
      Reads runs/{reference,inherited,scratch} and evaluation/{reference,inherited,scratch} of the directory, writes report.md
      and validation-loss.svg there, and prints the table.
      """)

  @Argument(help: ArgumentHelp("The output directory of scripts/quickstart.sh.", valueName: "dir"))
  var directory: String

  func run() throws {
    let comparison = try Comparison(directory: directory)
    try comparison.write(to: directory)
    print(comparison.markdown, terminator: "")
  }
}
