import ArgumentParser
import Checkpoints
import Inheritance

/// How a command writes weights.
struct WeightsOptions: ParsableArguments {
  @Option(help: ArgumentHelp("keep, float32, bfloat16 or float16.", valueName: "type"))
  var dtype = OutputType.keep

  @Option(help: ArgumentHelp("safetensors or hdf5.", valueName: "format"))
  var format = WeightsFormat.safetensors

  @Option(help: ArgumentHelp("Largest safetensors file, for example 5GB.", valueName: "size"))
  var maxShardSize = ByteSize(5_000_000_000)

  enum OutputType: String, ExpressibleByArgument, CaseIterable {
    case keep, float32, bfloat16, float16

    var element: ElementType? {
      switch self {
      case .keep: nil
      case .float32: .float32
      case .bfloat16: .bfloat16
      case .float16: .float16
      }
    }
  }

  func apply(to options: inout SliceOptions) {
    options.type = dtype.element
    options.format = format
    options.maximumShardSize = maxShardSize.bytes
  }
}

extension WeightsFormat: ExpressibleByArgument {}
