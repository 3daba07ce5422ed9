import CPUBackend
import Files
import Tensors

/// Causal attention, forward and backward, and the attention of a single new row against a cache.
struct AttentionBenchmark {
  let options: Options

  init(_ options: Options) { self.options = options }

  func run() throws -> Section {
    let device = try CPUDevice(threads: options.threads, blas: .plain)
    var rows = [["attention", "B", "T", "ms", "GFLOP/s"]]
    var lines: [JSON] = []
    func add(_ name: String, batch: Int, length: Int, operations: Double, seconds: Double) {
      let rate = operations / seconds / 1e9
      rows.append([name, "\(batch)", "\(length)", "\((seconds * 1e5).rounded() / 100)", rate.short])
      lines.append(
        .object([
          "name": .string(name), "batch": .integer(Int64(batch)), "length": .integer(Int64(length)),
          "ms": .number(seconds * 1e3), "gflops": .number(rate),
        ]))
    }
    // As many rows in few long sequences as in many short ones.
    for length in [options.length, 4 * options.length] {
      let batch = max(1, options.rows / length)
      let (forward, backward) = try measure(Bench(device), batch: batch, length: length)
      // Two products of [T, D] by [D, T] forward, four backward: the scores that are computed again do not count, nor
      // does the half of each that is masked.
      let product = Double(batch * length) * Double(length + 1) * Double(options.width)
      add("forward", batch: batch, length: length, operations: 2 * product, seconds: forward)
      add("backward", batch: batch, length: length, operations: 4 * product, seconds: backward)
      let cached = try measureCached(Bench(device), length: length)
      add("cached", batch: 1, length: length, operations: 4 * Double(length * options.width), seconds: cached)
    }
    return Section(
      text: "Attention, \(options.heads) heads of \(options.width / options.heads), \(options.threads) threads\n"
        + Table.text(rows),
      json: ["attention": .array(lines)])
  }

  private func spec(length: Int) -> AttentionSpec {
    let dimension = options.width / options.heads
    return AttentionSpec(
      length: length, heads: options.heads, kvHeads: options.heads, headDimension: dimension,
      scale: 1 / Float(dimension).squareRoot())
  }

  private func measure(_ bench: Bench, batch: Int, length: Int) throws -> (forward: Double, backward: Double) {
    let (N, C) = (batch * length, options.width)
    let qkv = try bench.tensor(N, 3 * C)
    let dqkv = try bench.tensor(N, 3 * C)
    let y = try bench.tensor(N, C)
    let dy = try bench.tensor(N, C)
    let logSumExp = try bench.tensor(N, options.heads)
    let spec = spec(length: length)
    let forward = Bench.seconds {
      bench.device.attention(y, logSumExp: logSumExp, qkv: qkv, slopes: nil, documentStarts: nil, spec)
    }
    let backward = Bench.seconds {
      bench.device.attentionBackward(
        dqkv: dqkv, dy: dy, y: y, logSumExp: logSumExp, qkv: qkv, slopes: nil, documentStarts: nil, spec)
    }
    return (forward, backward)
  }

  /// The last row of a sequence of `length`.
  private func measureCached(_ bench: Bench, length: Int) throws -> Double {
    let C = options.width
    let qkv = try bench.tensor(1, 3 * C)
    let y = try bench.tensor(1, C)
    let keys = try bench.tensor(length, C)
    let values = try bench.tensor(length, C)
    bench.device.scalars.pointee.position = Int32(length - 1)
    defer { bench.device.scalars.pointee.position = 0 }
    return Bench.seconds {
      bench.device.attentionCached(
        y, qkv: qkv, keys: keys, values: values, slopes: nil, capacity: length, spec(length: 1))
    }
  }
}
