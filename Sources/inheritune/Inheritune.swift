import ArgumentParser

/// The root of the command line.
struct Inheritune: ParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "inheritune",
    abstract: "Makes a small language model out of a large one: inherit its first blocks, train, evaluate.",
    discussion: """
      The recipe of Inheritune (arXiv 2404.08634), on checkpoints, tokenizers and data files as Hugging Face has them:

        inheritune inherit openlm-research/open_llama_3b --layers 13
        inheritune train configs/openllama-1.5b.yaml
        inheritune eval runs/openllama-1.5b/checkpoints/latest --text book.txt
      """,
    version: version,
    subcommands: [
      InheritCommand.self, PrepareCommand.self, TrainCommand.self, EvalCommand.self, CompareCommand.self,
      GenerateCommand.self, InspectCommand.self, ConvertCommand.self, PlanCommand.self, DoctorCommand.self,
    ])
}
