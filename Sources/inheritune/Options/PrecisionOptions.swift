import ArgumentParser
import Programs

/// How a command that only reads weights computes.
struct PrecisionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "auto, float32, tfloat32 or bfloat16; auto is bfloat16 on a GPU and float32 on the CPU.", valueName: "type"))
  var precision = PrecisionMode.auto
}

extension PrecisionMode: ExpressibleByArgument {}
