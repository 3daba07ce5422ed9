/// The sequences of one source, numbered over all its files.
struct SequencePool {
  let name: String
  let sequenceLength: Int
  /// Sequences that do not overlap, at 0, T, 2T, … of each file.
  let blocks: Int
  /// What there is to draw from: the blocks, or the windows at every position.
  let sequences: Int

  private let files: [TokenFile]
  // starts[i]: the number of the first sequence of file i.
  private let starts: [Int]
  private let stride: Int

  init(_ source: TokenSource, sequenceLength T: Int, sampling: Sampling) throws(DatasetError) {
    guard T > 0, T < Int(Int32.max) else { throw .invalidSequenceLength(T) }
    guard !source.files.isEmpty else { throw .noSources }
    name = source.name
    sequenceLength = T
    files = source.files
    stride = sampling == .epochs ? T : 1
    var blocks = 0
    var sequences = 0
    var starts: [Int] = []
    for file in source.files {
      guard file.count > T else {
        throw .sequenceLongerThanData(path: file.path, tokens: file.count, sequenceLength: T)
      }
      starts.append(sequences)
      blocks += (file.count - 1) / T
      sequences += sampling == .epochs ? (file.count - 1) / T : file.count - T
    }
    self.blocks = blocks
    self.sequences = sequences
    self.starts = starts
  }

  /// Copies sequence `number`: T inputs, and the T tokens that follow them one later.
  func copy(_ number: Int, tokens: UnsafeMutablePointer<Int32>, targets: UnsafeMutablePointer<Int32>) {
    let file = fileIndex(of: number)
    let first = (number &- starts[file]) &* stride
    files[file].copy(first..<first &+ sequenceLength, to: tokens)
    files[file].copy(first &+ 1..<first &+ sequenceLength &+ 1, to: targets)
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
