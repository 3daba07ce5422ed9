import Tensors

/// Draws training batches from a mixture of sources.
///
/// Each row comes from one source, chosen by weight, and from one file of it. The order of rows depends on the seed alone, not
/// on how many rows are asked for at a time. Nothing is allocated in `next`, HDF5 files apart.
public final class BatchLoader {
  public let sequenceLength: Int
  public let sampling: Sampling
  public let masking: DocumentMasking

  private let pools: [SequencePool]
  // cumulative[i]: the weights of sources 0...i over the sum of all.
  private let cumulative: [Double]
  private var random: SplitMix64
  private var cursors: [LoaderState.Source]
  // T + 1 ids.
  private let scratch: UnsafeMutablePointer<Int32>

  /// - Parameter T: the sequence length; of every source one file must hold at least T + 1 tokens, since targets are inputs
  ///   shifted by one.
  /// - Throws: `DatasetError` for no sources, a weight that is not a finite number above 0, files that are too short, or files
  ///   that do not say what separates their documents where `masking` needs to know.
  public init(
    sources: [TokenSource], sequenceLength T: Int, sampling: Sampling, seed: UInt64, masking: DocumentMasking = .none
  ) throws(DatasetError) {
    guard !sources.isEmpty else { throw .noSources }
    sequenceLength = T
    self.sampling = sampling
    self.masking = masking
    var pools: [SequencePool] = []
    for source in sources {
      guard source.weight.isFinite, source.weight > 0 else {
        throw .invalidWeight(source: source.name, weight: source.weight)
      }
      pools.append(try SequencePool(source, sequenceLength: T, sampling: sampling, masking: masking))
    }
    self.pools = pools
    let total = sources.reduce(0) { $0 + $1.weight }
    guard total.isFinite else { throw .invalidWeight(source: "all sources together", weight: total) }
    var sum = 0.0
    cumulative = sources.map { source in
      sum += source.weight / total
      return sum
    }
    random = SplitMix64(seed: seed)
    cursors = sources.map { LoaderState.Source(tokens: $0.tokens, epoch: 0, position: 0, rows: 0) }
    scratch = .allocate(capacity: T + 1)
  }

  deinit { scratch.deallocate() }

  /// Tokens (targets) in one pass over the blocks of all sources: ⌊(tokens − 1) / T⌋ · T of each file.
  public var tokensPerEpoch: Int { pools.reduce(0) { $0 + $1.blocks } * sequenceLength }

  /// Tokens drawn so far.
  public var tokensDrawn: Int { cursors.reduce(0) { $0 + $1.rows } * sequenceLength }

  /// Fills the first B rows of `batch`: T inputs and T targets each, which are the inputs shifted by one, masked where that
  /// was asked for.
  /// - Throws: as `TokenFile.copy`. The loader may stand anywhere among the B rows then.
  public func next(rows B: Int, _ batch: BatchRows) throws {
    for row in 0..<B {
      let (source, sequence) = draw()
      try pools[source].copy(sequence, to: batch.dropFirst(row, length: sequenceLength), scratch: scratch)
    }
  }

  /// Passes over rows without reading them.
  public func skip(rows B: Int) {
    for _ in 0..<B { _ = draw() }
  }

  /// What the next row is: a source, and the number of a window or a block of it.
  private func draw() -> (source: Int, sequence: Int) {
    let source = drawSource()
    let sequence = drawSequence(source)
    cursors[source].rows += 1
    return (source, sequence)
  }

  private func drawSource() -> Int {
    guard pools.count > 1 else { return 0 }
    let point = random.nextUnit()
    // Rounding may leave the last sum a little below 1.
    return cumulative.firstIndex { point < $0 } ?? pools.count - 1
  }

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

  /// Makes an earlier state of this loader the present one, without allocating anything.
  func copyState(to state: inout LoaderState) {
    state.draws = random.draws
    for source in cursors.indices { state.sources[source] = cursors[source] }
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
