import Foundation
import Testing

/// `device-check`, which checks a GPU where there is no Swift, on the emulated one.
struct DeviceCheckTests {
  private func run(_ arguments: String...) throws -> Command.Outcome {
    let program = URL(fileURLWithPath: Command.path).deletingLastPathComponent().appendingPathComponent("device-check")
    return try Command.start(arguments, program: program.path).finish()
  }

  @Test func resumeAndBenchmark() throws {
    let folder = try Folder()
    let report = folder.path + "/report.md"
    let outcome = try run(
      "--device", "emulated", "--parts", "resume", "benchmark", "--folder", folder.path, "--output", report)
    #expect(outcome.status == 0, "\(outcome)")
    let text = try folder.read("report.md")
    #expect(text == outcome.output)
    #expect(text.contains("- ok model.safetensors") && text.contains("- ok training/optimizer.safetensors"))
    #expect(text.contains("- ok computed again, the same bits"))
    #expect(text.contains("| attentionBackward | B 1 T 32 H 4 G 4 D 104 |"))
    #expect(!text.contains("FAILED"))
  }

  /// The reference models are not everywhere; a device that is not there is an error.
  @Test func whatIsMissing() throws {
    let folder = try Folder()
    let skipped = try run("--device", "cpu", "--parts", "losses", "--goldens", folder.path + "/none")
    #expect(skipped.status == 0 && skipped.output.contains("Skipped"), "\(skipped)")
    let outcome = try run("--device", "cuda", "--cuda-lib", folder.path + "/none.so")
    #expect(outcome.status == 1 && outcome.errors.contains("none.so"), "\(outcome)")
  }
}
