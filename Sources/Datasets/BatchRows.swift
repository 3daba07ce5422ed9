/// Rows of a batch in the host's memory, T int32 each.
public struct BatchRows {
  /// The inputs.
  public let tokens: UnsafeMutablePointer<Int32>
  /// The inputs shifted by one; −1 where the loss is to ignore them.
  public let targets: UnsafeMutablePointer<Int32>
  /// The position in the row at which the document of each input begins; nil where the attention does not need it.
  public let documentStarts: UnsafeMutablePointer<Int32>?

  public init(
    tokens: UnsafeMutablePointer<Int32>, targets: UnsafeMutablePointer<Int32>,
    documentStarts: UnsafeMutablePointer<Int32>? = nil
  ) {
    self.tokens = tokens
    self.targets = targets
    self.documentStarts = documentStarts
  }

  /// The rows from `row` on.
  public func dropFirst(_ row: Int, length T: Int) -> BatchRows {
    BatchRows(
      tokens: tokens + row &* T, targets: targets + row &* T, documentStarts: documentStarts.map { $0 + row &* T })
  }

  /// How many of the first `count` targets the loss counts.
  func targetCount(_ count: Int) -> Int {
    var ignored = 0
    for k in 0..<count where targets[k] < 0 { ignored &+= 1 }
    return count - ignored
  }
}

/// Memory of its own for B rows of T.
public final class BatchMemory {
  public let rows: BatchRows

  /// - Parameter documentStarts: whether there is room for them.
  public init(rows B: Int, length T: Int, documentStarts: Bool) {
    rows = BatchRows(
      tokens: .allocate(capacity: B * T), targets: .allocate(capacity: B * T),
      documentStarts: documentStarts ? .allocate(capacity: B * T) : nil)
  }

  deinit {
    rows.tokens.deallocate()
    rows.targets.deallocate()
    rows.documentStarts?.deallocate()
  }
}
