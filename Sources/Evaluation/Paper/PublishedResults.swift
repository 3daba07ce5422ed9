/// The rows of the paper's table, as published.
enum PublishedResults {
  struct Row {
    /// With the tokens it was trained on.
    var model: String
    /// By the title of the column, in percent.
    var percent: [String: Double]
  }

  static let source =
    "Inheritune, arXiv 2404.08634, tables \"Commonsense Reasoning\" and \"Language Understanding\" of the README at "
    + "github.com/sanyalsunny111/LLM-Inheritune, commit 560611df0a93"

  static let rows = [
    row("Inheritune-1.5B (1B)", 50.96, 56.47, 61.68, 51.69, 25.19, 25.67, 43.66, 49.41, 34.42, 48.61),
    row("OpenLLaMA-3B (1T)", 63.46, 74.97, 67.18, 62.27, 28.4, 27.21, 50.7, 51.3, 37.3, 35),
    row("OPT-1.3B (300B)", 38.46, 71.82, 57.83, 59.51, 27.04, 24.96, 42.25, 51.29, 35.82, 38.67),
    row("Pythia-1.4B (300B)", 36.54, 70.89, 63.12, 56.99, 27.65, 25.56, 53.52, 49.48, 32.76, 38.66),
    row("MPT-1.3B (200B)", 63.46, 71.44, 50.89, 58.09, 28.26, 25.82, 40.85, 50.52, 35.93, 38.68),
    row("Sheared-LLaMA-1.3B (50B)", 36.54, 73.45, 62.02, 58.17, 27.34, 25.71, 49.3, 50.98, 37.94, 37.14),
  ]

  /// Values in the order of `PaperPreset.columns`. The first row is called "Ours-1.5B (1B)" there.
  private static func row(_ model: String, _ percent: Double...) -> Row {
    Row(model: model, percent: Dictionary(uniqueKeysWithValues: zip(PaperPreset.columns.map(\.title), percent)))
  }
}
