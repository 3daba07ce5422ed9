import Files
import Models
import Profiling
import Programs

/// What a `Trainer` reports while it runs.
public enum TrainEvent: Sendable {
  /// Everything is loaded and checked; the first step comes next.
  case started(TrainSummary)
  /// A step is done.
  case step(StepReport)
  /// A validation is under way: `done` of `count` batches.
  case validating(done: Int, count: Int)
  case validated(ValidationMetrics)
  /// The evaluation hook is done; its lines as metrics.jsonl has them.
  case evaluated(step: Int, lines: [JSONObject])
  /// A checkpoint is on the disk.
  case saved(step: Int, path: String)
}

/// The answer to an event.
public enum TrainDisposition: Int, Sendable, Comparable {
  case proceed
  /// Save a checkpoint after this step, and go on.
  case save
  /// Save a checkpoint after this step, and return. An answer during a validation ends it without a result; it is made
  /// up for when the run goes on.
  case stop

  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// How `Trainer.run` ended.
public struct TrainOutcome: Sendable, Equatable {
  /// Whether the last step of the recipe was reached.
  public var isFinished: Bool
  /// Steps done.
  public var step: Int
  /// The newest checkpoint; nil when the run was stopped before its first step.
  public var checkpoint: String?
  /// Where the time of the steps went, when that was asked for and enough steps were done.
  public var profile: StepProfile?
}

/// One step, without anything that the device would have to be waited for.
public struct StepReport: Sendable {
  public var step: Int
  public var totalSteps: Int
  /// Tokens trained on so far.
  public var tokens: Int
  /// Time of this step, for a rate and the time left.
  public var seconds: Double
  /// On the steps that are logged.
  public var metrics: StepMetrics?
}

/// A run as it is about to start.
public struct TrainSummary: Sendable {
  public var directory: String
  /// The device's name.
  public var device: String
  public var precision: Precision
  /// All parameters, and those that are trained.
  public var parameterCount: (total: Int, trainable: Int)
  public var batch: BatchShape
  public var schedule: LearningRateSchedule
  public var totalSteps: Int
  public var memory: MemoryReport
  /// The checkpoint that the run goes on from, and the steps it has done.
  public var resumed: (path: String, step: Int)?
  /// What is different from the recipe of that checkpoint.
  public var changes: [RecipeChange]
  /// What the user should know: a damaged checkpoint that was passed over, other tokenizer files.
  public var notes: [String]
}

/// Scores the model inside a run.
public struct EvaluationRequest {
  public let section: TrainingRecipe.EvaluationSection
  public let step: Int
  public let model: Model
  /// The weights of this step, shared with the training program.
  public let store: ParameterStore
  /// Where the run's tokenizer is; nil when it has none.
  public let tokenizerDirectory: String?
}

/// Returns one object for each line of metrics.jsonl, with `task`; the step is put in front. May throw
/// `CancellationError` when the run is asked to stop meanwhile; the evaluation is made up for when the run goes on.
public typealias EvaluationHook = (EvaluationRequest) throws -> [JSONObject]
