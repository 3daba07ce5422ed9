import Files
import Glibc

/// Two evaluations side by side. Where both have samples the difference is that over the documents they share, with the
/// standard error of the paired difference; elsewhere the two are taken as independent.
public struct Comparison: Sendable {
  public struct Row: Sendable {
    /// A task's or group's name.
    public var task: String
    public var metric: String
    public var filter: String
    public var a: Double
    public var aError: Double?
    public var b: Double
    public var bError: Double?
    /// B − A; over the paired documents, where there are such.
    public var difference: Double
    public var differenceError: Double?
    /// Documents behind the difference; nil where it is not paired.
    public var pairedCount: Int?

    /// The difference in its standard errors; nil without one, or if it is 0.
    public var standardErrors: Double? { differenceError.flatMap { $0 > 0 ? difference / $0 : nil } }

    /// What tables show of the task: its alias, how deep it is in groups, and which way is better.
    var title: String
    var depth: Int
    var higherIsBetter: Bool?
  }

  public let a: RecordedResults
  public let b: RecordedResults
  /// In the order of the harness's table.
  public private(set) var rows: [Row] = []
  /// What makes the two hard to compare, one sentence each.
  public private(set) var notes: [String] = []

  /// Groups inside groups; more of them are no results of a harness, and would take time in proportion to their square.
  private static let nestingLimit = 64

  /// - Throws: `EvaluationError.nothingInCommon`, `.resultsFile` for groups that are nested too deep, `.row` for damaged
  ///   samples; `FileError`.
  public init(_ a: RecordedResults, _ b: RecordedResults) throws {
    self.a = a
    self.b = b
    let common = a.entries.keys.filter { b.entries[$0] != nil }
    guard !common.isEmpty else { throw EvaluationError.nothingInCommon(a: a.path, b: b.path) }
    let shown = Set(common.filter { name in a.entries[name]?.values.contains { b.entries[name]?[$0] != nil } ?? false })
    let order = ResultsOrder(groupSubtasks: a.groupSubtasks, available: common, indents: shown.contains)
    guard order.nesting <= Self.nestingLimit else {
      throw EvaluationError.resultsFile(
        path: a.path,
        reason:
          "key 'group_subtasks': \(order.nesting) groups lie in one another, expected at most \(Self.nestingLimit)")
    }
    var notes = ComparisonNotes(a, b)
    var pairs: [String: [PairedMetric: PairedDifference]] = [:]
    for (name, _) in order.entries where order.members[name] == nil {
      guard let own = a.entries[name], let other = b.entries[name], let paths = notes.samplesOfBoth(name) else {
        continue
      }
      let pairing = try SamplePairing(RecordedSamples(paths.a), RecordedSamples(paths.b))
      let differences = pairing.differences(own, other)
      notes.add(pairing, differences, task: name)
      pairs[name] = differences
    }
    for (name, depth) in order.entries {
      guard let own = a.entries[name], let other = b.entries[name] else { continue }
      notes.add(own, other, task: name)
      for value in own.values {
        guard let second = other[value] else { continue }
        let key = PairedMetric(value)
        let paired =
          order.members[name] == nil
          ? pairs[name]?[key] : groupDifference(value, second, order.leaves(of: name).map { ($0, pairs[$0]?[key]) })
        rows.append(
          Row(value, second, paired, task: name, title: own.title, depth: depth, own.directions[value.metric]))
      }
    }
    self.notes = notes.sentences
  }

  /// The paired difference of a group from those of its tasks: weighted by documents or not, whichever gives the values
  /// that A and B report. Nil unless all tasks are paired.
  private func groupDifference(
    _ reportedA: RecordedResults.Value, _ reportedB: RecordedResults.Value,
    _ tasks: [(name: String, difference: PairedDifference?)]
  ) -> PairedDifference? {
    let parts = tasks.compactMap { name, difference -> GroupPart? in
      guard let first = a.entries[name]?[reportedA], let second = b.entries[name]?[reportedB] else { return nil }
      return GroupPart(
        a: first.value, b: second.value, sizeA: a.entries[name]?.documentCount ?? 0,
        sizeB: b.entries[name]?.documentCount ?? 0, difference: difference)
    }
    let differences = parts.compactMap(\.difference)
    guard !parts.isEmpty, differences.count == parts.count else { return nil }
    func isReported(weighted: Bool) -> Bool {
      let first = Statistics.groupMean(parts.map(\.a), sizes: weighted ? parts.map(\.sizeA) : nil)
      let second = Statistics.groupMean(parts.map(\.b), sizes: weighted ? parts.map(\.sizeB) : nil)
      return abs(first - reportedA.value) <= 1e-9 && abs(second - reportedB.value) <= 1e-9
    }
    if isReported(weighted: true) {
      let total = Double(differences.reduce(0) { $0 + $1.documentCount })
      return PairedDifference(differences, weights: differences.map { Double($0.documentCount) / total })
    }
    guard isReported(weighted: false) else { return nil }
    return PairedDifference(differences, weights: differences.map { _ in 1 / Double(differences.count) })
  }

  /// A task of a group.
  private struct GroupPart {
    var a: Double
    var b: Double
    /// Documents that were scored.
    var sizeA: Int
    var sizeB: Int
    var difference: PairedDifference?
  }
}

extension Comparison.Row {
  fileprivate init(
    _ a: RecordedResults.Value, _ b: RecordedResults.Value, _ paired: PairedDifference?, task: String, title: String,
    depth: Int, _ higherIsBetter: Bool?
  ) {
    self.task = task
    metric = a.metric
    filter = a.filter
    self.a = a.value
    aError = a.standardError
    self.b = b.value
    bError = b.standardError
    difference = paired?.value ?? b.value - a.value
    pairedCount = paired?.documentCount
    if let paired {
      differenceError = paired.standardError
    } else if let aError, let bError {
      differenceError = (aError * aError + bError * bError).squareRoot()
    }
    self.title = title
    self.depth = depth
    self.higherIsBetter = higherIsBetter
  }
}

/// A metric under a filter.
struct PairedMetric: Hashable {
  var metric: String
  var filter: String
}

extension PairedMetric {
  init(_ value: RecordedResults.Value) { self.init(metric: value.metric, filter: value.filter) }
}
