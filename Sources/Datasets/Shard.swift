/// The part of every global batch that one of several processes takes: row i of G goes to rank ⌊i / (G / count)⌋.
public struct Shard: Sendable, Equatable {
  public let rank: Int
  public let count: Int

  /// All rows.
  public static let whole = Shard(rank: 0, of: 1)

  public init(rank: Int, of count: Int) {
    self.rank = rank
    self.count = count
  }

  /// The rows of a global batch of G that are this shard's.
  /// - Throws: `DatasetError.invalidShard` for a rank that there is not, or if the shards would not be of the same size.
  func rows(ofBatch G: Int) throws(DatasetError) -> Range<Int> {
    guard count > 0, (0..<count).contains(rank), G > 0, G % count == 0 else {
      throw .invalidShard(rank: rank, count: count, globalBatch: G)
    }
    let share = G / count
    return rank * share..<(rank + 1) * share
  }
}
