import CPUBackend
import Files
import Foundation
import Profiling
import Programs
import Tensors
import Testing

@testable import Training

@Suite struct ProfileTests {
  /// A run of 6 steps of 2 micro-batches, on a processor of its own, with a profile or without.
  private func run(
    _ directory: TemporaryDirectory, _ name: String, profiled: Bool, model: JSONObject
  ) throws -> StepProfile? {
    let recipe = tinyRecipe(directory, steps: 6) {
      $0.model.configuration = .inline(model)
      $0.training.recompute = Recompute.none
      $0.output.directory = directory.path + "/" + name
    }
    let cpu = try CPUDevice(threads: 2)
    var options = Trainer.Options()
    var device: any Device = cpu
    if profiled {
      cpu.countBusyTime()
      let limits = MachineLimits(operationsPerSecond: 1e11, bytesPerSecond: 1e10, method: "made up")
      let profiler = StepProfiler(limits: limits, threads: 2) { cpu.busyNanoseconds }
      options.profiler = profiler
      device = ProfilingDevice(cpu, profiler)
    }
    let trainer = try Trainer(recipe, device: device, options: options) { try .fresh(tinyModel(model), seed: 1) }
    return try trainer.run { _ in .proceed }.profile
  }

  @Test("a profile changes no bit", arguments: [tinyGPT2, tinyLlama])
  func changesNothing(model: JSONObject) throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    #expect(try run(directory, "plain", profiled: false, model: model) == nil)
    #expect(try run(directory, "profiled", profiled: true, model: model) != nil)
    let lines = try metrics(directory, "plain")
    #expect(lines.count == 6)
    #expect(try metrics(directory, "profiled") == lines)
    let weights = "checkpoints/step-00000006/model.safetensors"
    #expect(try directory.read("profiled/\(weights)") == directory.read("plain/\(weights)"))
    #expect(!FileTree.exists(directory.path + "/plain/profile.json"))
  }

  @Test("every kernel of a step is counted, and times add up to it")
  func counts() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    let profile = try #require(try run(directory, "run", profiled: true, model: tinyGPT2))
    #expect(profile.steps == 4 && profile.warmUpSteps == 2)
    func calls(_ prefix: String) -> Double {
      profile.kernels.filter { $0.kernel.description.hasPrefix(prefix) }.reduce(0) { $0 + $1.calls }
    }
    // 2 micro-batches, 2 blocks: four products forward, and two backward for each; three for the head.
    #expect(calls("matmul") == 2 * (2 * 12 + 3))
    #expect(calls("attention 2×8×2×4") == 4 && calls("attention backward 2×8×2×4") == 4)
    #expect(calls("norm") == 2 * 2 * 5)
    #expect(calls("activation") == 2 * 2 * 2)
    #expect(calls("cross entropy 16×17") == 2)
    // Matrices, and what has no weight decay.
    #expect(calls("AdamW") == 2 && calls("sum of squares") == 2 && calls("fill") == 1)
    // q·k and p·v, of 4 keys on average, and twice as much backward; 16 rows, 2 blocks, 2 micro-batches.
    #expect(profile.operations(of: .attention) == Double(2 * 2 * 16 * (4 + 8) * 8 * 4))

    #expect(profile.kernels.allSatisfy { $0.seconds > 0 && $0.bytes > 0 })
    let host = profile.hostSeconds.values.reduce(0, +)
    #expect(abs(profile.kernelSeconds + host + profile.otherSeconds - profile.seconds) < 1e-9)
    #expect(profile.otherSeconds > 0 && profile.hostSeconds.values.allSatisfy { $0 > 0 })
    let idle = try #require(profile.idleShare)
    #expect(idle > 0 && idle < 1)

    let file = try JSON(contentsOf: directory.path + "/run/profile.json")
    #expect(file["steps"]?.integer == 4 && file["kernels"]?.array?.count == profile.kernels.count)
    #expect(file["kernels"]?.array?.first?["kernel"]?.string == profile.kernels[0].kernel.description)
  }

  /// Weights, their gradients and moments are what lies in the store; everything else are activations.
  @Test("traffic of parameters is told from that of activations")
  func traffic() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    let profile = try #require(try run(directory, "run", profiled: true, model: tinyLlama))
    for kernel in profile.kernels {
      switch kernel.kernel.name {
      case "AdamW": #expect(kernel.activationBytes == 0)
      case "add", "rope", "gated activation", "cross entropy", "attention", "attention backward":
        #expect(kernel.parameterBytes == 0, "\(kernel.kernel)")
      case let name where name.hasPrefix("matmul"):
        #expect(kernel.parameterBytes > 0 && kernel.activationBytes > 0, "\(kernel.kernel)")
      default: break
      }
    }
  }
}
