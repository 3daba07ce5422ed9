import ArgumentParser
import CPUBackend
import CUDABackend
import Files
import Foundation
import Programs
import Tensors

/// Where a command computes.
struct DeviceOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Where to compute: auto, cpu or cuda; cuda:1 is the second GPU.", valueName: "name"))
  var device = DeviceName.auto

  @Option(help: ArgumentHelp("Threads of the CPU; all cores by default.", valueName: "n"))
  var threads: Int?

  @Option(help: ArgumentHelp("What multiplies matrices on the CPU; auto takes the fastest.", valueName: "name"))
  var blas = BLAS.automatic

  @Option(help: ArgumentHelp("libinheritune_cuda.so, when it is not beside the program.", valueName: "file"))
  var cudaLib: String?

  @Flag(help: "Wait after each CUDA kernel, so that an error names the one that has it.")
  var check = false

  enum DeviceName: ExpressibleByArgument, Equatable {
    /// The first GPU where one can be used, else the CPU.
    case auto
    case cpu
    case cuda(Int)

    init?(argument: String) {
      switch argument {
      case "auto": self = .auto
      case "cpu": self = .cpu
      case "cuda": self = .cuda(0)
      default:
        guard argument.hasPrefix("cuda:"), let index = Int(argument.dropFirst(5)), (0...1023).contains(index) else {
          return nil
        }
        self = .cuda(index)
      }
    }

    var defaultValueDescription: String { "auto" }
  }

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads \(threads): expected 1 to 1024")
    }
  }

  static var availableThreads: Int { Processors.available }

  /// The device of a command.
  /// - Parameter tunes: whether what will run is worth seconds of looking for the fastest algorithms.
  func makeDevice(_ precision: PrecisionMode, tunes: Bool = false) throws -> any Device {
    switch device {
    case .cpu: return try makeCPU(precision)
    case .cuda(let index): return try makeCUDA(CUDALibrary.load(path: cudaLib), index, precision, tunes: tunes)
    case .auto:
      guard let library = try usableLibrary() else { return try makeCPU(precision) }
      return try makeCUDA(library, 0, precision, tunes: tunes)
    }
  }

  private func makeCPU(_ precision: PrecisionMode) throws -> any Device {
    guard precision != .tfloat32 else {
      throw DeviceError.unavailable(
        "tfloat32 is a GPU's way to compute, and this is the CPU: use float32, or --device cuda")
    }
    return try makeCPU(blas)
  }

  /// The processor with what multiplies, or with the choice that `auto` remembers from run to run.
  func makeCPU(_ blas: BLAS) throws(DeviceError) -> CPUDevice {
    try CPUDevice(threads: threads, blas: blas, choiceFile: DeviceOptions.cacheFolder.map { $0 + "/matmul-libraries" })
  }

  /// nil where no GPU can be used. Whoever has an NVIDIA driver, or named a library, is told why.
  private func usableLibrary() throws -> CUDALibrary? {
    do throws(DeviceError) {
      let library = try CUDALibrary.load(path: cudaLib)
      _ = try library.deviceCount()
      return library
    } catch {
      if cudaLib != nil { throw error }
      if FileTree.exists("/proc/driver/nvidia/version") {
        StandardError.write("note: computing on the CPU, not on the GPU: \(error)\n")
      }
      return nil
    }
  }

  private func makeCUDA(
    _ library: CUDALibrary, _ index: Int, _ precision: PrecisionMode, tunes: Bool
  ) throws -> any Device {
    try CUDADevice(
      library: library,
      options: CUDAOptions(
        device: index, math: precision == .tfloat32 ? .tensorFloat32 : .float32, check: check,
        tunes: tunes, algorithmCache: DeviceOptions.cacheFolder.map { $0 + "/matmul-algorithms" }))
  }

  /// What may be made again but need not: `$XDG_CACHE_HOME/inheritune`; nil where there is no place for it.
  private static var cacheFolder: String? {
    let environment = ProcessInfo.processInfo.environment
    let base =
      environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? environment["HOME"].map { $0 + "/.cache" }
    guard let folder = base.map({ $0 + "/inheritune" }) else { return nil }
    do { try FileTree.makeDirectory(folder) } catch { return nil }
    return folder
  }
}

extension BLAS: ExpressibleByArgument {}
