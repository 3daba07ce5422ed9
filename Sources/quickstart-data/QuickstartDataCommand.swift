import ArgumentParser

/// What scripts/quickstart.sh needs beside `inheritune`: data to train on, and a report about the runs.
@main
struct QuickstartDataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quickstart-data", abstract: "Makes the data and the report of scripts/quickstart.sh.",
    subcommands: [CorpusCommand.self, ReportCommand.self])
}
