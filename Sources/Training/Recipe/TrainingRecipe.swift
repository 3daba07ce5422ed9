import Files
import Programs

/// Everything that decides a training run, as its YAML file says it.
///
/// An optional setting that is absent takes the default that its comment names; the defaults are nanoGPT's (`train.py`
/// of karpathy/nanoGPT) where it has one. Paths are as given: relative ones are seen from the working directory.
public struct TrainingRecipe: Sendable, Equatable {
  public var model: ModelSection
  public var data: DataSection
  public var optimizer: OptimizerSection
  public var schedule: ScheduleSection
  public var training: TrainingSection
  public var validation: ValidationSection
  public var evaluation: EvaluationSection?
  public var checkpoints: CheckpointsSection
  public var output: OutputSection

  public init(
    model: ModelSection, data: DataSection, optimizer: OptimizerSection = OptimizerSection(),
    schedule: ScheduleSection = ScheduleSection(), training: TrainingSection,
    validation: ValidationSection = ValidationSection(), evaluation: EvaluationSection? = nil,
    checkpoints: CheckpointsSection = CheckpointsSection(), output: OutputSection
  ) {
    self.model = model
    self.data = data
    self.optimizer = optimizer
    self.schedule = schedule
    self.training = training
    self.validation = validation
    self.evaluation = evaluation
    self.checkpoints = checkpoints
    self.output = output
  }

  /// `model`: where the first weights come from.
  public struct ModelSection: Sendable, Equatable {
    /// `from`: a model directory, a weights file or a hub name whose weights the run starts with. Absent: a fresh model
    /// of `configuration`.
    public var from: String?
    /// `layers`: the blocks of `from` to inherit, as `inherit --layers` takes them: `13`, `0-12`, `0,2,4`. Absent: all.
    public var layers: String?
    /// `config`: the shape of a fresh model. Beside `from` it says which shape `from` has, so that the run can be
    /// planned where the weights are not; where they are, they must agree.
    public var configuration: Configuration?
    /// `tokenizer`: a directory whose tokenizer is put into the checkpoints. Absent: the one beside the weights of
    /// `from`.
    public var tokenizer: String?

    public enum Configuration: Sendable, Equatable {
      /// The path of a config.json.
      case file(String)
      /// The keys of a Hugging Face config.json.
      case inline(JSONObject)
    }

    public init(
      from: String? = nil, layers: String? = nil, configuration: Configuration? = nil, tokenizer: String? = nil
    ) {
      self.from = from
      self.layers = layers
      self.configuration = configuration
      self.tokenizer = tokenizer
    }
  }

  /// `optimizer`: AdamW (Loshchilov and Hutter, arXiv 1711.05101).
  public struct OptimizerSection: Sendable, Equatable {
    /// Default 0.9 (nanoGPT).
    public var beta1 = 0.9
    /// Default 0.95 (nanoGPT and the paper's GPT-2 runs).
    public var beta2 = 0.95
    /// Default 1e-8 (PyTorch's AdamW).
    public var epsilon = 1e-8
    /// Default 0.1 (nanoGPT and the paper).
    public var weightDecay = 0.1
    /// `decay`: the parameters that `weight_decay` acts on. Default `matrices`.
    public var decay = Decay.matrices
    /// `moments`: the type of Adam's m and v. Default `float32`.
    public var moments = Moments.float32
    /// Exceptions by tensor name, in order: where two match, the later one counts.
    public var groups: [Group] = []

    public init() {}

    public enum Moments: String, Sendable, CaseIterable {
      case float32
      /// Half the memory, rounded stochastically.
      case bfloat16
    }

    public enum Decay: String, Sendable, CaseIterable {
      /// Every matrix: linear weights and embeddings, no norms and biases (nanoGPT).
      case matrices
      /// Linear weights only, neither embeddings nor a head that is tied to them (the paper's GPT-2 code).
      case linear
    }

    public struct Group: Sendable, Equatable {
      /// `pattern`: globs (`*`, `?`, `[0-3]`) over the tensor names of Hugging Face checkpoints.
      public var patterns: [String]
      /// A factor on the learning rate.
      public var learningRateMultiplier: Double?
      public var weightDecay: Double?
      public var isFrozen: Bool?

      public init(
        patterns: [String], learningRateMultiplier: Double? = nil, weightDecay: Double? = nil, isFrozen: Bool? = nil
      ) {
        self.patterns = patterns
        self.learningRateMultiplier = learningRateMultiplier
        self.weightDecay = weightDecay
        self.isFrozen = isFrozen
      }
    }
  }

  /// `schedule`: the learning rate over the steps; see `LearningRateSchedule`.
  public struct ScheduleSection: Sendable, Equatable {
    /// Default `cosine` (nanoGPT and the paper).
    public var kind = LearningRateSchedule.Kind.cosine
    /// The peak. Default 6e-4 (nanoGPT).
    public var learningRate = 6e-4
    /// The end of the decay. Absent: a tenth of the peak (nanoGPT, after Hoffmann et al., arXiv 2203.15556).
    public var minimum: Double?
    /// Absent: 2000 (nanoGPT and the paper's GPT-2 runs), or a tenth of the steps where that is less.
    public var warmupSteps: Int?
    /// How many steps the decay takes. Absent: from the warm-up to the last step; for `wsd` the last tenth of the steps
    /// (MiniCPM, arXiv 2404.06395).
    public var decaySteps: Int?

    public init() {}
  }

  /// `training`: how long, in which batches.
  public struct TrainingSection: Sendable, Equatable {
    public var duration: Duration
    /// `micro_batch_size`: sequences that are computed at once. Absent: the largest divisor of the global batch up to
    /// 12 (nanoGPT's).
    public var microBatchSize: Int?
    /// Default 480 sequences (nanoGPT: 12 · 40).
    public var globalBatch = GlobalBatch.sequences(480)
    /// Default `auto`: bfloat16 with float32 masters on a GPU, float32 on the CPU.
    public var precision = PrecisionMode.auto
    /// Of fresh weights and of the order of the data. Default 1337 (nanoGPT).
    public var seed: UInt64 = 1337
    /// The largest global gradient norm; 0 switches clipping off. Default 1.0 (nanoGPT and the paper's GPT-2 runs).
    public var gradientClipping = 1.0
    /// Absent: `cheap` on the CPU, `none` on a GPU, which has less time for it and more memory.
    public var recompute: Recompute?

    public init(duration: Duration) { self.duration = duration }

    public enum Duration: Sendable, Equatable {
      case steps(Int)
      /// At least so many tokens: rounded up to whole steps.
      case tokens(Int)
      /// Passes over the training tokens; rounded up to whole steps.
      case epochs(Double)
    }

    public enum GlobalBatch: Sendable, Equatable {
      /// `global_batch_size`: sequences in one step.
      case sequences(Int)
      /// `global_batch_tokens`: tokens in one step.
      case tokens(Int)
    }
  }

  /// `validation`: the loss on tokens that are not trained on.
  public struct ValidationSection: Sendable, Equatable {
    /// Steps between two validations; 0 switches them off. Default 1000 (the paper's GPT-2 runs).
    public var every = 1000
    /// Batches of `micro_batch_size` sequences, the same ones every time. Default 200 (nanoGPT and the paper).
    public var batches = 200

    public init() {}
  }

  /// `evaluation`: benchmark tasks inside the run, computed by the hook that the trainer is given.
  public struct EvaluationSection: Sendable, Equatable {
    /// Steps between two evaluations.
    public var every: Int
    public var tasks: [String]
    /// The directory of the rows, `DIR/<task>/<split>.jsonl`.
    public var data: String
    /// At most so many documents of each task. Absent: all.
    public var limit: Int?

    public init(every: Int, tasks: [String], data: String, limit: Int? = nil) {
      self.every = every
      self.tasks = tasks
      self.data = data
      self.limit = limit
    }
  }

  /// `checkpoints`: there is always one of the last step.
  public struct CheckpointsSection: Sendable, Equatable {
    /// Steps between two checkpoints. Default 1000.
    public var every = 1000
    /// So many of the newest are kept. Default 2.
    public var keep = 2

    public init() {}
  }

  /// `output`: the run directory.
  public struct OutputSection: Sendable, Equatable {
    /// Absent in the file: `runs/<name of the recipe>`.
    public var directory: String
    /// Steps between two lines of metrics. Default 10.
    public var logEvery = 10

    public init(directory: String) { self.directory = directory }
  }
}
