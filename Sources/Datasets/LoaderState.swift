/// How a loader picks sequences.
public enum Sampling: String, Codable, Sendable, CaseIterable {
  /// Windows at random places, with replacement: nanoGPT's, and the paper's GPT-2 runs.
  case windows
  /// Blocks that do not overlap, in a new order each epoch: every token is a target once an epoch.
  case epochs
}

/// Where a `BatchLoader` stands. A few numbers, whatever the size of the data; a loader over the same sources that is given it
/// back draws the very same further batches.
public struct LoaderState: Codable, Sendable, Equatable {
  public struct Source: Codable, Sendable, Equatable {
    /// Tokens in the source's files: a check that they are the same.
    public var tokens: Int
    /// Passes over the source that were completed (`.epochs`).
    public var epoch: Int
    /// Blocks drawn in this pass (`.epochs`).
    public var position: Int
    /// Rows drawn from this source ever.
    public var rows: Int
  }

  public var sampling: Sampling
  public var sequenceLength: Int
  public var seed: UInt64
  /// Values taken from the random generator.
  public var draws: UInt64
  public var sources: [Source]
}
