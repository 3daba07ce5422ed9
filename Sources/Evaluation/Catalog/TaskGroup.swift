/// A name that stands for several tasks, and how their results become its own.
public struct TaskGroup: Sendable {
  /// How a metric of the members becomes the group's.
  public struct Aggregate: Sendable, Equatable {
    public var metric: String
    /// Whether a member counts as often as it has documents; otherwise every member counts once.
    public var weightBySize: Bool
    public var filter: String

    public init(metric: String, weightBySize: Bool = true, filter: String = "none") {
      self.metric = metric
      self.weightBySize = weightBySize
      self.filter = filter
    }
  }

  public var name: String
  /// What tables show instead of the name.
  public var alias: String?
  /// Names of tasks and groups, in the order of the definition.
  public var members: [String]
  /// Empty: the group only stands for its members and has no results of its own.
  public var metrics: [Aggregate]
  /// `metadata.version` as Python prints it; nil without one.
  public var version: String?

  public init(name: String, alias: String? = nil, members: [String], metrics: [Aggregate] = [], version: String? = nil)
  {
    self.name = name
    self.alias = alias
    self.members = members
    self.metrics = metrics
    self.version = version
  }
}

/// What a list of names selects: the tasks to run, and the groups whose results were asked for.
public struct TaskSelection: Sendable {
  /// In order of name, without duplicates.
  public var tasks: [EvaluationTask]
  /// Those that were asked for and the groups inside them, a group before its members. All their tasks are in `tasks`.
  public var groups: [TaskGroup]

  public init(tasks: [EvaluationTask], groups: [TaskGroup] = []) {
    self.tasks = tasks
    self.groups = groups
  }
}
