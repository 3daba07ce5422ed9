import Files
import Foundation
import Testing

@testable import Training

@Suite struct RunDirectoryTests {
  @Test func onlyOneProcessHasARun() throws {
    let directory = try TemporaryDirectory()
    let first = try RunDirectory(directory.path + "/run")
    #expect(trainingError { try RunDirectory(directory.path + "/run") } == .runBusy(directory: directory.path + "/run"))
    withExtendedLifetime(first) {}
  }

  @Test func checkpointsAreFoundPointedToAndPruned() throws {
    let directory = try TemporaryDirectory()
    let run = try RunDirectory(directory.path + "/run")
    for step in [5, 10, 20, 123_456_789] {
      try directory.write("run/checkpoints/step-\(step < 100 ? String(format: "%08d", step) : "\(step)")/x", "")
    }
    for name in ["step-7", "step-00000000", "step-abc", "other"] {
      try directory.write("run/checkpoints/\(name)/x", "")
    }
    #expect(try run.checkpointSteps() == [123_456_789, 20, 10, 5])
    try run.pointLatest(to: 10)
    try run.pointLatest(to: 20)
    let link = directory.path + "/run/checkpoints/latest"
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "step-00000020")
    try run.prune(upTo: 20, keeping: 2)
    #expect(try run.checkpointSteps() == [123_456_789, 20, 10])
  }

  @Test func whatAKilledSessionLeftIsRemoved() throws {
    let directory = try TemporaryDirectory()
    for name in [".step-00000005.partial-77-1", ".removing-3", ".latest.partial-9", "step-00000002", "notes"] {
      try directory.write("run/checkpoints/\(name)/deep/x", "")
    }
    _ = try RunDirectory(directory.path + "/run")
    #expect(try directory.names("run/checkpoints") == ["notes", "step-00000002"])
  }

  @Test func metricsKeepEachStepOnce() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/metrics.jsonl"
    let lines = [
      #"{"step": 1, "loss": 2.5}"#, "garbage", #"{"step": 2, "validation_loss": 2}"#, #"{"step": 2, "loss": 2}"#,
      #"{"step": 3}"#, #"{"step": 2"#,
    ]
    try directory.write("metrics.jsonl", lines.joined(separator: "\n"))
    let file = try MetricsFile(path, keepingUpTo: 2)
    #expect(try directory.text("metrics.jsonl") == [lines[0], lines[2], lines[3], ""].joined(separator: "\n"))
    #expect(file.hasValidationAtStart && !file.hasEvaluationAtStart)
    try file.append(["step": .integer(3), "task": .string("a\nb")])
    try file.append([["step": .integer(4)], ["step": .integer(4)]])
    try file.synchronize()
    #expect(
      try directory.text("metrics.jsonl").hasSuffix(
        "{\"step\": 3, \"task\": \"a\\nb\"}\n{\"step\": 4}\n{\"step\": 4}\n"))
    _ = try MetricsFile(path, keepingUpTo: nil)
    #expect(try directory.text("metrics.jsonl") == "")
  }

  @Test func metricsLinesAreAsDocumented() {
    let step = StepMetrics(
      step: 3, tokens: 96, loss: 2.5, learningRate: 3e-4, gradientNorm: 1.25, tokensPerSecond: 1234.56, mfu: nil,
      seconds: 0.5)
    #expect(
      JSON.object(step.line).serialized()
        == #"{"step": 3, "tokens": 96, "loss": 2.5, "learning_rate": 0.0003, "gradient_norm": 1.25, "#
        + #""tokens_per_second": 1234.6, "mfu": null, "seconds": 0.5}"#)
    let validation = ValidationMetrics(step: 3, tokens: 96, loss: 0)
    #expect(
      JSON.object(validation.line).serialized()
        == #"{"step": 3, "tokens": 96, "validation_loss": 0.0, "perplexity": 1.0}"#)
    #expect(ValidationMetrics(step: 1, tokens: 1, loss: 1000).line["perplexity"] == .null)
  }
}
