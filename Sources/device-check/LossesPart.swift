import Files
import ModelChecks
import Programs
import Tensors

/// Whole models against PyTorch: logits, gradients, and ten losses of AdamW.
struct LossesPart {
  let device: any Device
  /// The directory of the reference models.
  let goldens: String
  let models: [String]

  func run(_ report: Report) throws {
    guard FileTree.isDirectory(goldens) else {
      report.line("Skipped: there are no reference models in \(goldens); give their folder with --goldens.")
      return
    }
    // A model in bfloat16 is as far from float32 as PyTorch's own in bfloat16 are: up to 0.6 in the logits, whose standard
    // deviation is about 2.
    let modes: [(Precision, logits: Double, gradient: Double, loss: Double)] = [
      (.float32, 1e-4, 1e-4, 1e-4), (.bfloat16, 0.8, 0.4, 0.04),
    ]
    let before = report.failures.count
    var rows: [[String]] = []
    for (precision, logitsLimit, gradientLimit, lossLimit) in modes
    where device.info.dtypes.contains(precision.compute) {
      for name in models {
        let golden = Golden(name, in: goldens)
        let logits = try golden.logitsDifference(on: device, precision)
        let cached = try golden.cachedLogitsDifference(on: device, precision)
        let gradients = try golden.gradientsDifference(on: device, precision, recompute: .block)
        let training = try golden.trainingDifference(on: device, precision)
        rows.append(
          ["\(name) \(precision.compute)"]
            + [logits, cached, gradients.gradient, training.loss, training.norm].map { $0.short() })
        func check(_ what: String, _ found: Double, atMost limit: Double) {
          if found <= limit { return }
          report.expect(
            false, "\(name) \(precision.compute): \(what) off by \(found.short()), at most \(limit.short()) expected")
        }
        check("logits", logits, atMost: logitsLimit)
        check("logits, token by token,", cached, atMost: logitsLimit)
        check("gradient of \(gradients.tensor)", gradients.gradient, atMost: gradientLimit)
        check("ten losses", training.loss, atMost: lossLimit)
      }
    }
    report.table(
      ["model", "logits", "logits, token by token", "gradients, relative", "ten losses", "gradient norms, relative"],
      rows)
    report.expect(
      report.failures.count == before,
      "differences from PyTorch's float32; in float32 losses within 1e-4, in bfloat16 as far as PyTorch's own bfloat16")
  }
}
