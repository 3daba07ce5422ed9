import Foundation
import Testing

/// What a run says of its time and its memory.
struct ProfileTests {
  @Test func profile() throws {
    let folder = try Folder()
    try folder.prepare(steps: 5)
    let recipe = folder.path + "/run.yaml"
    let train = try Command.run("train", recipe, "--threads", "2", "--profile")
    #expect(train.status == 0, "\(train.errors)")
    #expect(train.output.hasPrefix("profile of 3 steps, after 2 of warm-up: "), "\(train.output)")
    for line in [
      "matmul NN + bias 64×64×16", "attention backward 2×32×2×8", "waiting for the batch", "step", "traffic",
    ] {
      #expect(train.output.contains("\n\(line) "), "\(line) in \(train.output)")
    }
    let file = try JSONSerialization.jsonObject(with: folder.data("run/profile.json")) as? [String: Any]
    #expect(file?["steps"] as? Int == 3)

    let json = try Command.run(
      "train", recipe, "--profile", "--json", "--set", "output.directory=\(folder.path)/other")
    let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    #expect((object?["profile"] as? [String: Any])?["threads"] as? Int != nil, "\(json.output)")

    let short = try Command.run(
      "train", recipe, "--profile", "--set", "training.steps=2", "--set", "schedule.warmup_steps=1", "--set",
      "validation.every=0", "--set", "output.directory=\(folder.path)/short")
    #expect(short.status == 0 && short.output.hasPrefix("no profile: "), "\(short)")
    #expect(!folder.exists("short/profile.json"))
  }

  /// The largest resident size of the run, as the system counts it, against what is planned. Of so small a model much
  /// is the program itself, libraries that multiply matrices above all; hence the tolerance of 8 MiB, and the plain
  /// kernels.
  @Test(arguments: ["none", "cheap", "block"], ["float32", "bfloat16"])
  func planIsThePeak(recompute: String, moments: String) throws {
    let folder = try Folder()
    try folder.prepare(steps: 6, checkpointEvery: 3)
    let arguments = [
      folder.path + "/run.yaml", "--threads", "2", "--blas", "plain", "--set",
      "model.config={model_type: gpt2, vocab_size: 4096, n_positions: 256, n_embd: 256, n_layer: 4, n_head: 4}",
      "--set", "data.sequence_length=256", "--set", "training.global_batch_size=8", "--set",
      "training.micro_batch_size=8", "--set", "training.recompute=\(recompute)", "--set",
      "optimizer.moments=\(moments)", "--set", "validation.every=0",
    ]
    let plan = try Command.start(["plan"] + arguments + ["--json"]).finish()
    #expect(plan.status == 0, "\(plan.errors)")
    let object = try JSONSerialization.jsonObject(with: Data(plan.output.utf8)) as? [String: Any]
    let planned = try #require((object?["memory"] as? [String: Any])?["total"] as? Int)

    let run = try Command.start(["train"] + arguments)
    let peak = run.peakMemory()
    let outcome = try run.finish()
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(planned > 80 << 20)
    #expect(abs(planned - peak) < 8 << 20, "planned \(planned >> 20) MiB, used \(peak >> 20) MiB")
  }
}

extension Command.Running {
  /// The largest resident size of the process, in bytes, looked at until it ends.
  func peakMemory() -> Int {
    var peak = 0
    while process.isRunning {
      let status = FileManager.default.contents(atPath: "/proc/\(process.processIdentifier)/status")
      let line = String(decoding: status ?? Data(), as: UTF8.self).split(separator: "\n").first {
        $0.hasPrefix("VmHWM:")
      }
      let kilobytes = line?.split(separator: " ").dropLast().last.flatMap { Int($0) }
      peak = max(peak, (kilobytes ?? 0) << 10)
      usleep(1000)
    }
    return peak
  }
}
