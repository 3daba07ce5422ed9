import CPUBackend
import Files
import Tensors

/// The matrix products of a step, by every library that is installed.
struct ProductBenchmark {
  /// c[m, n] = op(a)·op(b), `count` times in a step.
  struct Product {
    var name: String
    var m: Int, n: Int, k: Int
    var transposeA = false, transposeB = false
    var accumulate = Accumulation.set
    var count: Double
    var isForward = false

    var operations: Double { 2 * Double(m) * Double(n) * Double(k) }
    var layout: String { (transposeA ? "T" : "N") + (transposeB ? "T" : "N") }
  }

  let products: [Product]
  let providers: [BLAS]
  let threads: Int

  init(_ options: Options) {
    let (C, F, N) = (options.width, options.feedForward, options.rows)
    let up = options.family == .gpt2 ? F : 2 * F
    var products: [Product] = []
    for (name, input, output) in [("qkv", C, 3 * C), ("out", C, C), ("up", C, up), ("down", F, C)] {
      products += ProductBenchmark.linear(
        name, rows: N, input, output, storedInputOutput: options.family == .gpt2, count: Double(options.layers))
    }
    products += ProductBenchmark.linear(
      "head", rows: options.headRows, C, options.vocabulary, storedInputOutput: false,
      count: Double(N) / Double(options.headRows))
    self.products = products
    threads = options.threads
    providers = BLAS.available
  }

  /// A linear layer and its two gradients. Weights are [in, out] as GPT-2's, or [out, in].
  private static func linear(
    _ name: String, rows: Int, _ input: Int, _ output: Int, storedInputOutput: Bool, count: Double
  ) -> [Product] {
    let weights = storedInputOutput ? (input, output) : (output, input)
    return [
      Product(name: name, m: rows, n: output, k: input, transposeB: !storedInputOutput, count: count, isForward: true),
      Product(name: name + " dx", m: rows, n: input, k: output, transposeB: storedInputOutput, count: count),
      Product(
        name: name + " dW", m: weights.0, n: weights.1, k: rows, transposeA: true, accumulate: .add, count: count),
    ]
  }

  func run() throws -> Section {
    let benches = try providers.map { Bench(try CPUDevice(threads: threads, blas: $0)) }
    var rows = [["product", "m", "n", "k"] + benches.map(\.device.blas.name)]
    var lines: [JSON] = []
    // Of the whole step: operations, and the time that each library, or the fastest for each product, takes.
    var all = Totals(providers.count)
    var forward = Totals(providers.count)
    for product in products {
      let seconds = try measure(product, benches)
      all.add(product, seconds)
      if product.isForward { forward.add(product, seconds) }
      let rates = seconds.map { product.operations / $0 / 1e9 }
      rows.append(
        ["\(product.name) \(product.layout)", "\(product.m)", "\(product.n)", "\(product.k)"] + rates.map(\.short))
      var line: JSONObject = [
        "name": .string(product.name), "layout": .string(product.layout), "m": .integer(Int64(product.m)),
        "n": .integer(Int64(product.n)), "k": .integer(Int64(product.k)),
      ]
      for (provider, rate) in zip(providers, rates) { line[provider.rawValue] = .number(rate) }
      lines.append(.object(line))
    }
    rows.append(["forward", "", "", ""] + forward.rates.map(\.short))
    rows.append(["training", "", "", ""] + all.rates.map(\.short))
    let text =
      "Matrix products, GFLOP/s, \(threads) threads\n\(Table.text(rows))\n"
      + "the fastest for each product: forward \(forward.best.short), training \(all.best.short)"
    return Section(
      text: text,
      json: [
        "products": .array(lines), "forward_gflops": .number(forward.best), "training_gflops": .number(all.best),
      ])
  }

  /// Seconds of each library's product, on the same matrices.
  private func measure(_ product: Product, _ benches: [Bench]) throws -> [Double] {
    let (m, n, k) = (product.m, product.n, product.k)
    let memory = Bench(benches[0].device)
    let a = try product.transposeA ? memory.tensor(k, m) : memory.tensor(m, k)
    let b = try product.transposeB ? memory.tensor(n, k) : memory.tensor(k, n)
    let c = try memory.tensor(m, n)
    return Bench.seconds(
      benches.map { bench in
        {
          bench.device.matmul(
            c, a, b, transposeA: product.transposeA, transposeB: product.transposeB, accumulate: product.accumulate,
            bias: nil)
        }
      })
  }

  private struct Totals {
    var operations = 0.0
    var seconds: [Double]
    var leastSeconds = 0.0

    init(_ count: Int) { seconds = [Double](repeating: 0, count: count) }

    mutating func add(_ product: Product, _ times: [Double]) {
      operations += product.operations * product.count
      for (index, time) in times.enumerated() { seconds[index] += time * product.count }
      leastSeconds += (times.min() ?? 0) * product.count
    }

    /// GFLOP/s.
    var rates: [Double] { seconds.map { operations / $0 / 1e9 } }
    var best: Double { operations / leastSeconds / 1e9 }
  }
}
