import Foundation
import Testing

/// Runs that are interrupted end where uninterrupted ones do, bit for bit.
@Suite(.serialized)
struct ResumeTests {
  private let folder: Folder
  init() throws { folder = try Folder() }

  private func train(_ directory: String, _ extra: [String] = []) throws -> Command.Running {
    try Command.start(
      ["train", folder.path + "/run.yaml", "--set", "output.directory=\(folder.path)/\(directory)", "--threads", "1"]
        + extra)
  }

  /// Weights, optimiser state and the losses of every step.
  private func result(_ directory: String) throws -> (weights: Data, optimizer: Data, losses: [String]) {
    let latest = folder.path + "/\(directory)/checkpoints/latest"
    func data(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: latest + "/" + name)) }
    // Rates and times differ between runs.
    let losses = try folder.read("\(directory)/metrics.jsonl").split(separator: "\n").map {
      $0.replacing(/, "tokens_per_second".*/, with: "")
    }
    return (try data("model.safetensors"), try data("training/optimizer.safetensors"), losses.map(String.init))
  }

  /// No name but those of finished things.
  private func expectNothingPartial(_ directory: String) throws {
    for name in try folder.names("\(directory)/checkpoints") {
      #expect(name == "latest" || name.wholeMatch(of: /step-\d{8}/) != nil, "\(name)")
    }
  }

  /// 30 times kill -9 at a random moment.
  @Test func kill() throws {
    try folder.prepare(steps: 120, checkpointEvery: 3)
    #expect(try train("whole").finish().status == 0)
    let expected = try result("whole")

    var random = SystemRandomNumberGenerator()
    var kills = 0
    var runs = 0
    while kills < 30 {
      runs += 1
      let name = "killed-\(runs)"
      while true {
        let running = try train(name)
        usleep(UInt32.random(in: 1000...90_000, using: &random))
        running.send(SIGKILL)
        let outcome = try running.finish()
        guard outcome.wasKilled else {
          #expect(outcome.status == 0, "\(outcome.errors)")
          break
        }
        kills += 1
        // A finished checkpoint is whole: the hidden ones that a kill leaves are cleaned up by the next run.
        if kills >= 30 {
          let last = try train(name).finish()
          #expect(last.status == 0, "\(last.errors)")
          break
        }
      }
      #expect(try result(name) == expected)
      try expectNothingPartial(name)
    }
  }

  @Test(arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143))])
  func stop(signal: Int32, status: Int32) throws {
    try folder.prepare(steps: 5000, checkpointEvery: 10_000)
    #expect(try train("whole").finish().status == 0)
    let running = try train("stopped")
    try waitForMetrics("stopped", lines: 5)
    running.send(signal)
    let outcome = try running.finish()
    #expect(!outcome.wasKilled && outcome.status == status, "\(outcome.errors)")
    #expect(try train("stopped", ["--resume", "require"]).finish().status == 0)
    #expect(try result("stopped") == result("whole"))
  }

  @Test func saveOnRequest() throws {
    try folder.prepare(steps: 5000, checkpointEvery: 10_000)
    let running = try train("run")
    try waitForMetrics("run", lines: 5)
    running.send(SIGUSR1)
    let outcome = try running.finish()
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try folder.names("run/checkpoints").count == 3, "latest, the one asked for, the last")
  }

  private func waitForMetrics(_ directory: String, lines: Int) throws {
    for _ in 0..<2000 {
      if folder.exists("\(directory)/metrics.jsonl"),
        try folder.read("\(directory)/metrics.jsonl").split(separator: "\n").count >= lines
      {
        return
      }
      usleep(2000)
    }
    Issue.record("the run does not get on")
  }

  /// prepare, killed and run again: the same bytes.
  @Test func prepare() throws {
    try folder.writeTokenizer()
    try folder.writeText("large.jsonl", documents: 60_000)
    func prepare(_ name: String) throws -> Command.Running {
      try Command.start([
        "prepare", folder.path + "/large.jsonl", "--tokenizer", folder.path + "/tokenizer", "--output",
        folder.path + "/" + name,
      ])
    }
    #expect(try prepare("whole").finish().status == 0)
    for milliseconds in [20, 60, 100] {
      let name = "cut-\(milliseconds)"
      let running = try prepare(name)
      usleep(UInt32(milliseconds * 1000))
      running.send(SIGKILL)
      _ = try running.finish()
      let outcome = try prepare(name).finish()
      // It may have been quicker than the kill.
      #expect(outcome.status == 0 || outcome.errors.contains("exists already"), "\(outcome.errors)")
      for file in ["train.bin", "validation.bin"] {
        #expect(
          try Data(contentsOf: URL(fileURLWithPath: folder.path + "/\(name)/\(file)"))
            == Data(contentsOf: URL(fileURLWithPath: folder.path + "/whole/\(file)")))
      }
    }
  }
}
