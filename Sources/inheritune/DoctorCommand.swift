import ArgumentParser
import CPUBackend
import Files
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
    let cpu = try CPUDevice(threads: device.threads)
    let rate = try Calibration.operationsPerSecond(of: cpu, width: 1024)
    var object: JSONObject = [
      "version": .string(Inheritune.version), "cpu_threads": .integer(Int64(cpu.threads)),
      "blas": .string(cpu.blas.name),
    ]
    object["blas_version"] = cpu.blas.version.map(JSON.string)
    object["blas_core"] = cpu.blas.core.map(JSON.string)
    object["blas_path"] = cpu.blas.path.map(JSON.string)
    object["blas_missing"] = cpu.blas.fallbackReason.map(JSON.string)
    object["matmul_gflops"] = .number((rate / 1e8).rounded() / 10)
    if json { return print(JSON.object(object).serialized()) }
    print(Format.table(object.map { [$0.key.replacing("_", with: " "), $0.value.string ?? $0.value.serialized()] }, leading: 2))
  }
}
