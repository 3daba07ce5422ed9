import Tensors

extension KernelCase {
  static let loss = [DType.float32, .bfloat16].flatMap {
    crossEntropy($0) + logProbabilities($0) + greedy($0) + [masked($0)]
  }

  /// Less than a pack, a warp, a block; odd ones, whose rows start anywhere.
  private static let vocabularies = [(1, 0), (5, 3), (63, 0), (64, 8), (1000, 0), (50_257, 0), (50_257, 47)]

  private static func crossEntropy(_ dtype: DType) -> [KernelCase] {
    vocabularies.flatMap { vocabulary, gap in
      [
        (false, Float(-5)...5, nil), (true, -5...5, nil), (true, -80...80, nil), (false, -5...5, Float(4)),
        (true, -5...5, 4), (true, -300...300, 30),
      ].map { gradient, range, softcap in
        KernelCase(
          "crossEntropy",
          "V \(vocabulary), gap \(gap), logits in \(range)"
            + "\(softcap.map { ", softcap \($0)" } ?? "")\(gradient ? ", gradient" : "")",
          dtype, tolerance: dtype == .float32 ? 3e-6 : onePlace
        ) { bench in
          let rows = 4
          let logits = try bench.random(rows, vocabulary, gap: gap, seed: 1, in: range)
          var targets = randomIntegers(rows, seed: 2, in: 0..<Int32(vocabulary))
          targets[1] = -100
          targets[3] = -1
          let losses = try bench.random(rows, 1, gap: 1, seed: 3, dtype: .float32)
          bench.device.scalars.pointee.lossScale = 0.125
          bench.device.crossEntropy(
            losses: losses, logits: logits, targets: try bench.integers(targets), softcap: softcap, gradient: gradient)
          return [try bench.result(losses), try bench.result(logits)]
        }
      }
    }
  }

  private static func logProbabilities(_ dtype: DType) -> [KernelCase] {
    vocabularies.flatMap { vocabulary, gap in
      [nil, Float(5)].map { softcap in
        KernelCase(
          "logProbabilities", "V \(vocabulary), gap \(gap)\(softcap.map { ", softcap \($0)" } ?? "")", dtype,
          tolerance: 1e-6
        ) { bench in
          let rows = 4
          let logits = try bench.random(rows, vocabulary, gap: gap, seed: 1, in: -12...12)
          let targets = try bench.integers(randomIntegers(rows, seed: 2, in: 0..<Int32(vocabulary)))
          let scores = try bench.random(rows, 1, gap: 1, seed: 3, dtype: .float32)
          let greedy = try bench.integers([Int32](repeating: -7, count: rows))
          bench.device.logProbabilities(
            scores: scores, greedy: greedy, logits: logits, targets: targets, softcap: softcap)
          return [try bench.result(scores), try bench.result(logits)]
        }
      }
    }
  }

  /// The first of equals, and the first that is not a number before everything else.
  private static func greedy(_ dtype: DType) -> [KernelCase] {
    let peaks: [[Int: Float]] = [
      [3: 9, 40: 9], [0: 9, 1: 9], [2999: 9], [2: 9, 1500: 9, 2999: 9], [5: 9, 64: .nan, 66: .nan], [5: .infinity],
      [7: .infinity, 2000: .nan], [30: 8, 31: 9], [:],
    ]
    // A cap of 1/4 makes equals of 8 and 9, and the likeliest is still 9.
    return [(-1, nil), (-Float.infinity, nil), (-1, Float(0.25))].map { floor, softcap in
      KernelCase(
        "logProbabilities", "likeliest token, \(floor) elsewhere\(softcap.map { ", softcap \($0)" } ?? "")", dtype,
        tolerance: 0
      ) { bench in
        let logits = peaks.flatMap { peaks in (0..<3000).map { peaks[$0] ?? floor } }
        let scores = try bench.random(peaks.count, 1, seed: 3, dtype: .float32)
        let greedy = try bench.integers([Int32](repeating: -7, count: peaks.count), gap: 1)
        bench.device.logProbabilities(
          scores: scores, greedy: greedy, logits: try bench.tensor(peaks.count, 3000, logits),
          targets: try bench.integers([Int32](repeating: 2, count: peaks.count)), softcap: softcap)
        return [try bench.result(greedy), try bench.result(scores).map { $0.isNaN ? 1 : 0 }]
      }
    }
  }

  /// Logits of −∞ get no probability.
  private static func masked(_ dtype: DType) -> KernelCase {
    KernelCase("crossEntropy", "masked logits", dtype, tolerance: dtype == .float32 ? 1e-6 : onePlace) { bench in
      var elements = randomFloats(3 * 1000, seed: 1, in: -5...5)
      for index in elements.indices where index % 1000 < 900 && index % 1000 != 17 { elements[index] = -.infinity }
      let logits = try bench.tensor(3, 1000, elements)
      let losses = try bench.random(3, 1, seed: 3, dtype: .float32)
      bench.device.crossEntropy(
        losses: losses, logits: logits, targets: try bench.integers([17, 950, 999]), softcap: nil, gradient: true)
      return [try bench.result(losses), try bench.result(logits)]
    }
  }
}
