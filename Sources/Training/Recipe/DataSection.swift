import Datasets

extension TrainingRecipe {
  /// `data`: prepared tokens (see `TokenDataset`).
  public struct DataSection: Sendable, Equatable {
    /// The parts of the mixture.
    public var train: [Source]
    /// Where the validation tokens are. Absent: the validation splits of the training data.
    public var validation: [String]?
    /// T. Absent: the model's context length.
    public var sequenceLength: Int?
    /// Default `windows` (nanoGPT and the paper's GPT-2 runs).
    public var sampling = Sampling.windows

    public init(train: [Source]) { self.train = train }

    public struct Source: Sendable, Equatable {
      public var paths: [String]
      /// The share of the sequences is this over the sum of all weights. Default 1.
      public var weight: Double

      public init(paths: [String], weight: Double = 1) {
        self.paths = paths
        self.weight = weight
      }
    }
  }
}
