import Datasets

extension TrainingRecipe {
  /// `data`: prepared tokens (see `TokenDataset`).
  public struct DataSection: Sendable, Equatable {
    /// The parts of the mixture; or the directory of a mixture that `prepare` wrote, alone.
    public var train: [Source]
    /// Weights by the names of that mixture's domains. Absent, or not among them: the mixture's own.
    public var weights: [String: Double] = [:]
    /// Where the validation tokens are. Absent: the validation splits of the training data.
    public var validation: [String]?
    /// T. Absent: the model's context length.
    public var sequenceLength: Int?
    /// Default `windows` (nanoGPT and the paper's GPT-2 runs).
    public var sampling = Sampling.windows
    /// `document_masking`, in training and validation. Default `none` (nanoGPT and the paper).
    public var documentMasking = DocumentMasking.none
    /// `document_separator`: what separates the documents of files that do not say so themselves.
    public var documentSeparator: DocumentBoundary?

    public init(train: [Source]) { self.train = train }

    public struct Source: Sendable, Equatable {
      /// Directories, files and patterns.
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
