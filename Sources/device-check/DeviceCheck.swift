import ArgumentParser
import CPUBackend
import CUDABackend
import CUDAKernels
import DeviceChecks
import Files
import Foundation
import ModelChecks
import Tensors

/// Checks and measures a device with nothing but this program (and the CUDA library): `scripts/gpu-check.sh` runs it where
/// there is a GPU.
@main
struct DeviceCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "device-check",
    abstract: "Checks the kernels of a device against references, and measures them.",
    discussion: """
        device-check --device cuda --goldens models --output result.md
      """)

  enum Name: String, ExpressibleByArgument, CaseIterable {
    case cuda, emulated, cpu
  }

  enum Part: String, ExpressibleByArgument, CaseIterable {
    case kernels, losses, resume, curve, benchmark
  }

  @Option(help: "cuda, emulated (the CUDA kernels on this processor) or cpu.")
  var device = Name.cuda

  @Option(
    parsing: .upToNextOption,
    help: "Which parts: kernels, losses, resume, curve, benchmark. All by default; without a GPU not the last two.")
  var parts: [Part] = []

  @Option(help: ArgumentHelp("The folder of the reference models.", valueName: "dir"))
  var goldens = "../shared/goldens/models"

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Only these reference models.", valueName: "name"))
  var models: [String] = []

  @Option(help: ArgumentHelp("The Markdown file of what was found.", valueName: "file"))
  var output: String?

  @Option(help: ArgumentHelp("A folder for what the parts write; a temporary one by default.", valueName: "dir"))
  var folder: String?

  @Option(help: ArgumentHelp("libinheritune_cuda.so, when it is not beside the program.", valueName: "file"))
  var cudaLib: String?

  @Flag(help: "Wait after each CUDA kernel.")
  var check = false

  func run() throws {
    let report = Report()
    let folder = self.folder ?? NSTemporaryDirectory() + "/device-check-\(ProcessInfo.processInfo.processIdentifier)"
    try FileTree.makeDirectory(folder)
    defer { if self.folder == nil { remove(folder) } }
    // The engines that are fastest today may not be tomorrow: algorithms are remembered for this run alone.
    let device = try makeDevice(algorithmCache: folder + "/matmul-algorithms")
    head(report, device)
    let isGPU = self.device == .cuda
    let parts = self.parts.isEmpty ? Part.allCases.filter { isGPU || ![.curve, .benchmark].contains($0) } : self.parts
    for part in Part.allCases where parts.contains(part) {
      let start = ContinuousClock.now
      switch part {
      case .kernels: report.part("Kernels") { try KernelsPart(device: device).run(report) }
      case .losses:
        report.part("Models") {
          try LossesPart(device: device, goldens: goldens, models: models.isEmpty ? Golden.names : models).run(report)
        }
      case .resume:
        report.part("Resume") {
          try ResumePart(
            device: device, directory: folder, sequences: isGPU ? 32 : 1, length: isGPU ? 256 : 16
          ).run(report)
        }
      case .curve: report.part("Loss curves") { try CurvePart(device: device, directory: folder).run(report) }
      case .benchmark:
        report.part("Speed") {
          try BenchmarkPart(
            device: device, shapes: isGPU ? BenchmarkPart.Shape.full : BenchmarkPart.Shape.small,
            time: { try seconds(of: $0, on: device) }, memoryInUse: { try memoryInUse(of: device) }
          ).run(report)
        }
      }
      // Some shapes may have been beyond an engine.
      if part == .benchmark, let cuda = device as? CUDADevice { report.line("Attention: \(cuda.engines.attention)") }
      report.line("\n(\((ContinuousClock.now - start).seconds.short()) s)")
    }
    if let output { try report.write(to: output) }
    guard report.failures.isEmpty else { throw ExitCode.failure }
  }

  private func remove(_ folder: String) {
    do { try FileManager.default.removeItem(atPath: folder) } catch { print("left behind: \(folder): \(error)") }
  }

  private func makeDevice(algorithmCache: String) throws -> any Device {
    let options = CUDAOptions(check: check, algorithmCache: algorithmCache)
    switch device {
    case .cpu: return try CPUDevice()
    case .cuda: return try CUDADevice(options: options, library: cudaLib)
    case .emulated:
      guard let table = ic_emulated_table(UInt32(IC_ABI_MAJOR)) else { throw ExitCode.failure }
      return try CUDADevice(library: CUDALibrary(table: table, path: "emulation"), options: options)
    }
  }

  private func head(_ report: Report, _ device: any Device) {
    let day = ISO8601DateFormatter.string(
      from: Date(), timeZone: .gmt, formatOptions: [.withFullDate, .withDashSeparatorInDate])
    report.line("# \(device.info.name), \(day)\n")
    guard let cuda = device as? CUDADevice else { return }
    let hardware = cuda.hardware
    report.line(
      "- sm_\(hardware.capability), \(hardware.multiprocessors) multiprocessors, "
        + "\(hardware.totalMemory >> 20) MiB; driver for CUDA \(hardware.driverVersion)")
    report.line("- matrix products: \(cuda.engines.matmul)")
    report.line("- attention: \(cuda.engines.attention)")
  }

  /// By the device's own clock where it has one.
  private func seconds(of body: () -> Void, on device: any Device) throws -> Double {
    if let cuda = device as? CUDADevice { return try cuda.time { body() } / 1e3 }
    let start = ContinuousClock.now
    body()
    try device.synchronize()
    return (ContinuousClock.now - start).seconds
  }

  private func memoryInUse(of device: any Device) throws -> Int? {
    guard let memory = try (device as? CUDADevice)?.memory() else { return nil }
    return memory.total - memory.free
  }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
