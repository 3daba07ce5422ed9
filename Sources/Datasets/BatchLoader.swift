import Tensors

/// Draws training batches from a mixture of sources.
///
/// Each row comes from one source, chosen by weight, and from one file of it. The order of rows depends on the seed alone, not
/// on how many rows are asked for at a time. Nothing is allocated in `next`.
public final class BatchLoader {
  public let sequenceLength: Int
  public let sampling: Sampling

  private let pools: [SequencePool]
  // cumulative[i]: the weights of sources 0...i over the sum of all.
  private let cumulative: [Double]
  private var random: SplitMix64
  private var cursors: [LoaderState.Source]

  /// - Parameter T: the sequence length; every file must hold at least T + 1 tokens, since targets are inputs shifted by one.
  /// - Throws: `DatasetError` for no sources, a weight that is not a finite number above 0, or files that are too short.
  public init(sources: [TokenSource], sequenceLength T: Int, sampling: Sampling, seed: UInt64) throws(DatasetError) {
    guard !sources.isEmpty else { throw .noSources }
    sequenceLength = T
    self.sampling = sampling
    var pools: [SequencePool] = []
    for source in sources {
      guard source.weight.isFinite, source.weight > 0 else {
        throw .invalidWeight(source: source.name, weight: source.weight)
      }
      pools.append(try SequencePool(source, sequenceLength: T, sampling: sampling))
    }
    self.pools = pools
    let total = sources.reduce(0) { $0 + $1.weight }
    var sum = 0.0
    cumulative = sources.map { source in
      sum += source.weight / total
      return sum
    }
    random = SplitMix64(seed: seed)
    cursors = sources.map { LoaderState.Source(tokens: $0.tokens, epoch: 0, position: 0, rows: 0) }
  }

  /// Tokens (targets) in one pass over the blocks of all sources: ⌊(tokens − 1) / T⌋ · T of each file.
  public var tokensPerEpoch: Int { pools.reduce(0) { $0 + $1.blocks } * sequenceLength }

  /// Tokens drawn so far.
  public var tokensDrawn: Int { cursors.reduce(0) { $0 + $1.rows } * sequenceLength }

  /// Fills B rows of T inputs and T targets, [B, T] each; targets are the inputs shifted by one.
  public func next(rows B: Int, tokens: UnsafeMutablePointer<Int32>, targets: UnsafeMutablePointer<Int32>) {
    let T = sequenceLength
    for row in 0..<B {
      let source = drawSource()
      pools[source].copy(
        drawSequence(source), tokens: tokens.advanced(by: row &* T), targets: targets.advanced(by: row &* T))
      cursors[source].rows += 1
    }
  }

  private func drawSource() -> Int {
    guard pools.count > 1 else { return 0 }
    let point = random.nextUnit()
    // Rounding may leave the last sum a little below 1.
    return cumulative.firstIndex { point < $0 } ?? pools.count - 1
  }

  /// The number of a window or a block of `source`.
  private func drawSequence(_ source: Int) -> Int {
    let count = pools[source].sequences
    guard sampling == .epochs else { return random.next(below: count) }
    let epoch = cursors[source].epoch
    let sourceKey = SplitMix64.value(seed: ~random.seed, at: UInt64(source))
    let order = BlockPermutation(count: count, key: SplitMix64.value(seed: sourceKey, at: UInt64(epoch)))
    let block = order[cursors[source].position]
    cursors[source].position += 1
    if cursors[source].position == count {
      cursors[source].position = 0
      cursors[source].epoch += 1
    }
    return block
  }

  public var state: LoaderState {
    // A copy of its own: sharing the array would make the next batch copy it.
    let sources = cursors.map { $0 }
    return LoaderState(
      sampling: sampling, sequenceLength: sequenceLength, seed: random.seed, draws: random.draws, sources: sources)
  }

  /// Goes on where `state` was taken.
  /// - Throws: `DatasetError.stateMismatch` if the sampling, the sequence length or the data are others; the loader is then
  ///   unchanged.
  public func restore(_ state: LoaderState) throws(DatasetError) {
    func check<T: Equatable>(_ what: String, _ saved: T, _ current: T) throws(DatasetError) {
      if saved != current { throw .stateMismatch(what: what, saved: "\(saved)", current: "\(current)") }
    }
    try check("the sampling", state.sampling.rawValue, sampling.rawValue)
    try check("the sequence length", state.sequenceLength, sequenceLength)
    try check("the seed", state.seed, random.seed)
    try check("the number of sources", state.sources.count, pools.count)
    for (index, saved) in state.sources.enumerated() {
      let pool = pools[index]
      try check("the number of tokens in \(pool.name)", saved.tokens, cursors[index].tokens)
      let positions = sampling == .epochs ? pool.sequences : 1
      // Saved states come from files: what no run can have reached must not overflow later.
      let reachable = 0...(Int.max / pools.count / sequenceLength / 2)
      guard reachable.contains(saved.epoch), reachable.contains(saved.rows), (0..<positions).contains(saved.position)
      else {
        throw .stateMismatch(
          what: "the position in \(pool.name)",
          saved: "epoch \(saved.epoch), block \(saved.position), row \(saved.rows)",
          current: "one of \(positions) blocks")
      }
    }
    random = SplitMix64(seed: state.seed, draws: state.draws)
    cursors = state.sources.map { $0 }
  }
}
