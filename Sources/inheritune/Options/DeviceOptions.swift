import ArgumentParser
import CPUBackend
import Tensors

/// Where a command computes.
struct DeviceOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Where to compute: auto or cpu.", valueName: "name"))
  var device = DeviceName.auto

  @Option(help: ArgumentHelp("Threads of the CPU; all cores by default.", valueName: "n"))
  var threads: Int?

  enum DeviceName: String, ExpressibleByArgument, CaseIterable {
    case auto, cpu
  }

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads \(threads): expected 1 to 1024")
    }
  }

  static var availableThreads: Int { Processors.available }

  /// The only place that knows a backend.
  func makeDevice() throws -> any Device { try CPUDevice(threads: threads) }
}
