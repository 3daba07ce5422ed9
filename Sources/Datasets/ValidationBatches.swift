/// The same batches every time: blocks of T tokens that do not overlap, in the order of the files.
public struct ValidationBatches: Sendable {
  public let sequenceLength: Int
  /// Rows of every batch, B.
  public let rows: Int
  public let count: Int
  /// Targets in all batches together.
  public let tokens: Int

  private let pool: SequencePool
  private let blocks: Int

  /// - Parameters:
  ///   - T: the sequence length; every file must hold at least T + 1 tokens.
  ///   - limit: at most so many batches; their blocks are then spread evenly over the data, so that all of it is represented.
  /// - Throws: `DatasetError` for no files, files that are too short, or `rows` below 1.
  public init(
    source: TokenSource, sequenceLength T: Int, rows B: Int, limit: Int? = nil
  ) throws(DatasetError) {
    guard B > 0 else { throw .invalidRowCount(B) }
    if let limit, limit < 1 {
      throw .invalidOption(name: "validation batches", value: "\(limit)", expected: "1 or more")
    }
    pool = try SequencePool(source, sequenceLength: T, sampling: .epochs)
    sequenceLength = T
    rows = B
    let (wanted, overflow) = (limit ?? Int.max).multipliedReportingOverflow(by: B)
    blocks = overflow ? pool.blocks : min(pool.blocks, wanted)
    count = (blocks - 1) / B + 1
    tokens = blocks * T
  }

  /// Fills batch `index`: B rows of T inputs and T targets. Rows of the last batch beyond the data get input 0 and target −1,
  /// which the loss ignores. Allocates nothing.
  /// - Returns: how many rows are data.
  @discardableResult
  public func fill(
    _ index: Int, tokens: UnsafeMutablePointer<Int32>, targets: UnsafeMutablePointer<Int32>
  ) -> Int {
    precondition(index >= 0 && index < count)
    let first = index * rows
    let filled = min(rows, blocks - first)
    for row in 0..<rows {
      let rowTokens = tokens.advanced(by: row * sequenceLength)
      let rowTargets = targets.advanced(by: row * sequenceLength)
      if row < filled {
        pool.copy(block(first + row), tokens: rowTokens, targets: rowTargets)
      } else {
        rowTokens.update(repeating: 0, count: sequenceLength)
        rowTargets.update(repeating: -1, count: sequenceLength)
      }
    }
    return filled
  }

  /// The k-th of the blocks in use, ⌊k · all / used⌋.
  private func block(_ k: Int) -> Int {
    let product = k.multipliedFullWidth(by: pool.blocks)
    return blocks.dividingFullWidth(product).quotient
  }
}
