/// The sequences of one source, numbered over all its files.
struct SequencePool {
  let name: String
  let sequenceLength: Int
  /// Sequences that do not overlap, at 0, T, 2T, … of each file.
  let blocks: Int
  /// What there is to draw from: the blocks, or the windows at every position.
  let sequences: Int

  // Those that hold a sequence.
  private let files: [TokenFile]
  // starts[i]: the number of the first sequence of file i.
  private let starts: [Int]
  private let stride: Int
  private let masking: DocumentMasking

  /// - Throws: `DatasetError` for no files, files that are all too short for a sequence, or files that do not say what
  ///   separates their documents where `masking` needs to know.
  init(
    _ source: TokenSource, sequenceLength T: Int, sampling: Sampling, masking: DocumentMasking
  ) throws(DatasetError) {
    guard T > 0, T < Int(Int32.max) else { throw .invalidSequenceLength(T) }
    guard let longest = source.files.max(by: { $0.count < $1.count }) else { throw .noSources }
    // A short file among longer ones, as the last chunk of lit-gpt's, has nothing to draw.
    guard longest.count > T else {
      throw .sequenceLongerThanData(path: longest.path, tokens: longest.count, sequenceLength: T)
    }
    name = source.name
    sequenceLength = T
    self.masking = masking
    files = source.files.filter { $0.count > T }
    stride = sampling == .epochs ? T : 1
    var blocks = 0
    var sequences = 0
    var starts: [Int] = []
    for file in files {
      if masking != .none, file.boundary == nil { throw .unknownBoundary(path: file.path) }
      starts.append(sequences)
      blocks += (file.count - 1) / T
      sequences += sampling == .epochs ? (file.count - 1) / T : file.count - T
    }
    self.blocks = blocks
    self.sequences = sequences
    self.starts = starts
  }

  /// Copies sequence `number` to the first row of `rows`: T inputs, and the T tokens that follow them one later.
  /// - Parameter scratch: room for T + 1.
  func copy(_ number: Int, to rows: BatchRows, scratch: UnsafeMutablePointer<Int32>) throws {
    let T = sequenceLength
    let file = fileIndex(of: number)
    let first = (number &- starts[file]) &* stride
    try files[file].copy(first..<first &+ T &+ 1, to: scratch)
    rows.tokens.update(from: scratch, count: T)
    rows.targets.update(from: scratch + 1, count: T)
    guard masking != .none, let boundary = files[file].boundary else { return }
    boundary.maskTargets(tokens: rows.tokens, targets: rows.targets, length: T)
    if let starts = rows.documentStarts { boundary.findStarts(tokens: rows.tokens, starts: starts, length: T) }
  }

  /// The last file that starts at or before `number`.
  private func fileIndex(of number: Int) -> Int {
    var low = 0
    var high = starts.count
    while high &- low > 1 {
      let middle = (low &+ high) / 2
      if starts[middle] <= number { low = middle } else { high = middle }
    }
    return low
  }
}
