import CPUBackend
import Files
import Tensors

/// Kernels that do little with each number: bytes a second, each operand counted once for reading and once for writing,
/// beside memory that is updated in place. What stays in the caches from one run to the next can be above it.
struct PassBenchmark {
  let options: Options

  init(_ options: Options) { self.options = options }

  private struct Pass {
    var name: String
    var bytes: Int
    var body: () -> Void

    /// - Parameter operands: how often each tensor is read or written.
    init(_ name: String, _ operands: [(Tensor, Int)], _ body: @escaping () -> Void) {
      self.name = name
      bytes = operands.reduce(0) { $0 + $1.0.byteCount * $1.1 }
      self.body = body
    }
  }

  func run() throws -> Section {
    let device = try CPUDevice(threads: options.threads, blas: .plain)
    let limit = device.measureLimits().bytesPerSecond
    var rows = [["pass", "ms", "GB/s", "of memory"]]
    var lines: [JSON] = []
    func add(_ pass: Pass) {
      let seconds = Bench.seconds(pass.body)
      let rate = Double(pass.bytes) / seconds
      rows.append([
        pass.name, "\((seconds * 1e5).rounded() / 100)", (rate / 1e9).short, "\(Int((100 * rate / limit).rounded())) %",
      ])
      lines.append(
        .object([
          "name": .string(pass.name), "ms": .number(seconds * 1e3), "gb_per_s": .number(rate / 1e9),
          "of_limit": .number(rate / limit),
        ]))
    }
    // One group after the other, so that the memory of one is free before the next.
    for passes in [norms, activations, embeddings, losses, optimizer] {
      let bench = Bench(device)
      for pass in try passes(bench) { add(pass) }
    }
    return Section(
      text: "Bounded by memory, \(options.threads) threads; memory updated in place: \((limit / 1e9).short) GB/s\n"
        + Table.text(rows),
      json: ["limit_gb_per_s": .number(limit / 1e9), "passes": .array(lines)])
  }

  private func norms(_ bench: Bench) throws -> [Pass] {
    let (device, N, C) = (bench.device, options.rows, options.width)
    let x = try bench.tensor(N, C)
    let delta = try bench.tensor(N, C)
    let sum = try bench.tensor(N, C)
    let y = try bench.tensor(N, C)
    let dx = try bench.tensor(N, C)
    let statistics = try bench.tensor(N, 2)
    let weight = try bench.tensor(1, C)
    let bias = try bench.tensor(1, C)
    let dWeight = try bench.tensor(1, C)
    let dBias = try bench.tensor(1, C)
    let isLayer = options.family == .gpt2
    let spec = NormSpec(kind: isLayer ? .layer : .rms, epsilon: 1e-5)
    return [
      Pass("residual and norm", [(x, 1), (delta, 1), (sum, 1), (y, 1)]) {
        device.norm(
          y, statistics: statistics, sum: sum, x: x, delta: delta, weight: weight, bias: isLayer ? bias : nil, spec)
      },
      Pass("norm backward", [(y, 1), (sum, 1), (dx, 2)]) {
        device.normBackward(
          dx: dx, dWeight: dWeight, dBias: isLayer ? dBias : nil, dy: y, x: sum, weight: weight, statistics: statistics,
          spec, .add)
      },
      Pass("add", [(y, 1), (x, 1), (delta, 1)]) { device.add(y, x, delta) },
      Pass("bias gradient", [(x, 1)]) { device.biasGradient(dBias, x) },
    ]
  }

  private func activations(_ bench: Bench) throws -> [Pass] {
    let (device, N, F) = (bench.device, options.rows, options.feedForward)
    let y = try bench.tensor(N, F)
    let dy = try bench.tensor(N, F)
    if options.family == .gpt2 {
      let x = try bench.tensor(N, F)
      let dx = try bench.tensor(N, F)
      return [
        Pass("GELU", [(x, 1), (y, 1)]) { device.activation(y, x, .geluTanh) },
        Pass("GELU backward", [(dy, 1), (x, 1), (dx, 1)]) { device.activationBackward(dx, dy: dy, x: x, .geluTanh) },
      ]
    }
    let gateUp = try bench.tensor(N, 2 * F)
    let dGateUp = try bench.tensor(N, 2 * F)
    let qkv = try bench.tensor(N, 3 * options.width)
    let dimension = options.width / options.heads
    let table = try bench.tensor(options.length, dimension)
    let rope = RoPESpec(length: options.length, heads: 2 * options.heads, headDimension: dimension)
    return [
      Pass("SwiGLU", [(gateUp, 1), (y, 1)]) { device.gated(y, gateUp: gateUp, .silu) },
      Pass("SwiGLU backward", [(dy, 1), (gateUp, 1), (dGateUp, 1)]) {
        device.gatedBackward(dGateUp, dy: dy, gateUp: gateUp, .silu)
      },
      Pass("RoPE", [(qkv.columns(first: 2 * options.width), 2)]) {
        device.rope(qkv, table: table, rope, inverse: false)
      },
    ]
  }

  private func embeddings(_ bench: Bench) throws -> [Pass] {
    let (device, N, C) = (bench.device, options.rows, options.width)
    let table = try bench.tensor(options.vocabulary, C)
    let y = try bench.tensor(N, C)
    let indices = try bench.indices(N, below: options.vocabulary)
    return [
      Pass("embedding", [(y, 2)]) {
        device.gatherRows(y, indices: indices, table: table, positions: nil, length: options.length, scale: 1)
      },
      Pass("embedding backward", [(y, 3)]) {
        device.gatherRowsBackward(
          dTable: table, dPositions: nil, dy: y, indices: indices, length: options.length, scale: 1)
      },
    ]
  }

  private func losses(_ bench: Bench) throws -> [Pass] {
    let (device, rows) = (bench.device, options.headRows)
    // Rows begin on multiples of 64 bytes, as they do in a step.
    let padded = (options.vocabulary + 15) / 16 * 16
    let logits = try bench.tensor(rows, padded).columns(first: options.vocabulary)
    let losses = try bench.tensor(rows, 1)
    let targets = try bench.indices(rows, below: options.vocabulary)
    let greedy = try bench.indices(rows, below: 1)
    return [
      Pass("log-probabilities", [(logits, 1)]) {
        device.logProbabilities(scores: losses, greedy: greedy, logits: logits, targets: targets, softcap: nil)
      },
      Pass("cross-entropy, gradient", [(logits, 2)]) {
        device.crossEntropy(losses: losses, logits: logits, targets: targets, softcap: nil, gradient: true)
      },
    ]
  }

  private func optimizer(_ bench: Bench) throws -> [Pass] {
    // Far more than the caches hold; a step has as many as the model has parameters.
    let count = 1 << 24
    let device = bench.device
    let parameters = try bench.tensor(1, count)
    let gradients = try bench.tensor(1, count)
    let m = try bench.tensor(1, count)
    let v = try bench.tensor(1, count)
    let norm = try bench.tensor(1, 1)
    device.fill(v, 0)
    device.fill(norm, 1)
    device.scalars.pointee.learningRate = 1e-4
    device.scalars.pointee.clip = 1
    let spec = AdamWSpec(beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1)
    return [
      Pass("gradient norm", [(gradients, 1)]) { device.sumOfSquares(norm, gradients) },
      Pass("AdamW", [(parameters, 2), (gradients, 2), (m, 2), (v, 2)]) {
        device.adamW(
          parameters: parameters, master: nil, gradients: gradients, m: m, v: v, squaredNorm: norm, spec)
      },
    ]
  }
}
