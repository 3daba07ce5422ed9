import ArgumentParser
import CUDABackend
import Checkpoints
import Files
import HDF5
import Tensors

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "What this machine has for computing: found, or why not.",
    discussion: """
        inheritune doctor
      """)

  @Flag(help: "One JSON object instead of a table.")
  var json = false

  @OptionGroup var device: DeviceOptions

  func run() throws {
    var object: JSONObject = ["version": .string(Inheritune.version)]
    for (key, value) in try MatmulReport(device).entries { object[key] = value }
    for (key, value) in CUDAReport(device).entries { object[key] = value }
    do throws(HDF5Library.NotFound) {
      let library = try HDF5Library.load()
      object["hdf5_version"] = .string(library.version)
      object["hdf5_path"] = .string(library.path)
    } catch { object["hdf5_missing"] = .string("\(error)") }
    if json { return print(JSON.object(object).serialized()) }
    print(
      Format.table(
        object.map { [$0.key.replacing("_", with: " "), $0.value.string ?? $0.value.serialized()] }, leading: 2))
  }
}

/// What there is of CUDA: library, driver, devices, and what multiplies and attends on each; or what is missing.
private struct CUDAReport {
  private(set) var entries = JSONObject()

  init(_ options: DeviceOptions) {
    do throws(DeviceError) {
      let library = try CUDALibrary.load(path: options.cudaLib)
      entries["cuda_library"] = .string(library.path)
      entries["cuda_build"] = .string("\(library.build); interface \(library.version)")
      for index in 0..<(try library.deviceCount()) { describe(index, of: library) }
    } catch { entries["cuda_missing"] = .string("\(error)") }
  }

  private mutating func describe(_ index: Int, of library: CUDALibrary) {
    let key = "cuda_\(index)"
    do throws(DeviceError) {
      let info = try library.deviceInfo(index)
      entries[key] = .string(
        "\(info.name), sm_\(info.capability), \(Format.bytes(info.freeMemory)) free of \(Format.bytes(info.totalMemory)), "
          + "driver for CUDA \(info.driverVersion), library of CUDA \(info.runtimeVersion)")
      let device = try CUDADevice(library: library, options: CUDAOptions(device: index))
      entries[key + "_matmul"] = .string(device.engines.matmul)
      entries[key + "_attention"] = .string(device.engines.attention)
      let rate = try Calibration.operationsPerSecond(of: device, .bfloat16, width: 4096)
      entries[key + "_matmul_tflops"] = .number((rate / 1e11).rounded() / 10)
    } catch { entries[key + "_missing"] = .string("\(error)") }
  }
}
