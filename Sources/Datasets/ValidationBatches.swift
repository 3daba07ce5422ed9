/// The same batches every time: blocks of T tokens that do not overlap, in the order of the files.
public final class ValidationBatches {
  public let sequenceLength: Int
  /// Rows of every batch, B.
  public let rows: Int
  public let count: Int

  private let pool: SequencePool
  private let blocks: Int
  // T + 1 ids.
  private let scratch: UnsafeMutablePointer<Int32>

  /// - Parameters:
  ///   - T: the sequence length; one file must hold at least T + 1 tokens.
  ///   - limit: at most so many batches; their blocks are then spread evenly over the data, so that all of it is represented.
  /// - Throws: `DatasetError` for no files, files that are too short, `rows` below 1, or files that do not say what separates
  ///   their documents where `masking` needs to know.
  public init(
    source: TokenSource, sequenceLength T: Int, rows B: Int, limit: Int? = nil, masking: DocumentMasking = .none
  ) throws(DatasetError) {
    guard B > 0 else { throw .invalidRowCount(B) }
    if let limit, limit < 1 {
      throw .invalidOption(name: "validation batches", value: "\(limit)", expected: "1 or more")
    }
    pool = try SequencePool(source, sequenceLength: T, sampling: .epochs, masking: masking)
    sequenceLength = T
    rows = B
    let (wanted, overflow) = (limit ?? Int.max).multipliedReportingOverflow(by: B)
    blocks = overflow ? pool.blocks : min(pool.blocks, wanted)
    count = (blocks - 1) / B + 1
    scratch = .allocate(capacity: T + 1)
  }

  deinit { scratch.deallocate() }

  /// Fills batch `index`: B rows of T inputs and T targets. Rows of the last batch beyond the data get input 0 and target −1,
  /// which the loss ignores.
  /// - Returns: how many targets the loss counts.
  /// - Throws: as `TokenFile.copy`.
  @discardableResult
  public func fill(_ index: Int, _ batch: BatchRows) throws -> Int {
    precondition(index >= 0 && index < count)
    let T = sequenceLength
    let first = index * rows
    let filled = min(rows, blocks - first)
    for row in 0..<filled { try pool.copy(block(first + row), to: batch.dropFirst(row, length: T), scratch: scratch) }
    let rest = batch.dropFirst(filled, length: T)
    rest.tokens.update(repeating: 0, count: (rows - filled) * T)
    rest.targets.update(repeating: -1, count: (rows - filled) * T)
    rest.documentStarts?.update(repeating: 0, count: (rows - filled) * T)
    return batch.targetCount(filled * T)
  }

  /// The k-th of the blocks in use, ⌊k · all / used⌋.
  private func block(_ k: Int) -> Int {
    let product = k.multipliedFullWidth(by: pool.blocks)
    return blocks.dividingFullWidth(product).quotient
  }
}
