import ArgumentParser
import Files
import Training

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Memory, compute and time of a training run, before it runs.",
    discussion: """
        inheritune plan configs/openllama-1.5b.yaml
      """)

  @Argument(help: "The YAML file.")
  var config: String

  @Option(help: ArgumentHelp("Change a setting: training.steps=100 (repeatable).", valueName: "key=value"))
  var set: [String] = []

  @Flag(help: "One JSON object instead of prose.")
  var json = false

  @OptionGroup var device: DeviceOptions

  func run() throws {
    let recipe = try TrainingRecipe.load(config, overrides: set)
    let report = try PlanReport(recipe, device: device.makeDevice(recipe.training.precision))
    print(json ? JSON.object(report.json).serialized() : report.text)
  }
}
