import Testing

@testable import Evaluation

/// Values and standard errors of groups, by hand.
struct GroupResultTests {
  private func task(_ name: String, _ value: Double, error: Double?, size: Int) -> TaskResult {
    let configuration = TaskConfiguration(
      name: name, alias: nil, tags: [], datasetPath: nil, datasetName: nil, trainingSplit: nil, validationSplit: nil,
      testSplit: nil, fewShotSplit: nil, targetDelimiter: " ", fewShot: nil, metrics: [.acc],
      outputType: .multipleChoice, version: .number(1), keys: [:])
    return TaskResult(
      configuration: configuration, fewShot: 0,
      metrics: [MetricResult(metric: .acc, value: value, standardError: error)], originalCount: size,
      effectiveCount: size, requestCount: 0, truncatedCount: 0, nanCount: 0, fewShotLeaks: false,
      documents: [])
  }

  private func tasks(_ list: TaskResult...) -> [String: TaskResult] {
    Dictionary(uniqueKeysWithValues: list.map { ($0.configuration.name, $0) })
  }

  private func result(
    _ tasks: [String: TaskResult], weighted: Bool = true, members: [String] = ["a", "b"], filter: String = "none",
    groups: [TaskGroup] = []
  ) -> GroupResult {
    TaskGroup(name: "g", members: members, metrics: [.init(metric: "acc", weightBySize: weighted, filter: filter)])
      .result(tasks, Dictionary(uniqueKeysWithValues: groups.map { ($0.name, $0) }))
  }

  @Test func weightedBySize() throws {
    let result = result(tasks(task("a", 0.5, error: 0.5, size: 3), task("b", 0.25, error: 0.1, size: 11)))
    let metric = try #require(result.metrics.first)
    #expect(metric.value == (0.5 * 3 + 0.25 * 11) / 14)
    #expect(metric.standardError == ((2 * 0.25 * 3 + 10 * (0.1 * 0.1) * 11) / 12 / 14).squareRoot())
    #expect(result.documentCount == 14 && metric.documentCount == 14)
  }

  @Test func everyTaskOnce() throws {
    let metric = try #require(
      result(tasks(task("a", 0.5, error: 0.5, size: 3), task("b", 0.25, error: 0.1, size: 11)), weighted: false)
        .metrics.first)
    #expect(metric.value == 0.375)
    #expect(metric.standardError == (0.25 + 0.1 * 0.1).squareRoot() / 2)
  }

  @Test func whatIsMissing() throws {
    // One task without an error: the group has none.
    let one = try #require(
      result(tasks(task("a", 1, error: nil, size: 1), task("b", 0, error: 0, size: 9))).metrics.first)
    #expect(one.value == 0.1 && one.standardError == nil)
    // Tasks that were not run, metrics that nobody has, filters that are not ours.
    #expect(result(tasks(task("b", 0.5, error: 0, size: 2))).metrics.map(\.value) == [0.5])
    #expect(result([:]).metrics.isEmpty && result([:]).documentCount == 0)
    #expect(result(tasks(task("a", 1, error: 0, size: 2)), filter: "strict").metrics.isEmpty)
  }

  @Test func groupsInsideGroups() throws {
    let inner = TaskGroup(name: "inner", members: ["b", "c"])
    let results = tasks(
      task("a", 1, error: 0, size: 2), task("b", 0.5, error: 0, size: 2), task("c", 0, error: 0, size: 4))
    #expect(result(results, members: ["a", "inner"], groups: [inner]).metrics.map(\.value) == [3 / 8])
    // What is in two groups counts twice; lm_eval 0.4.13 gives these numbers.
    let other = TaskGroup(name: "other", members: ["b"])
    let twice = result(results, members: ["inner", "other"], groups: [inner, other])
    #expect(twice.metrics.map(\.value) == [2 / 8] && twice.documentCount == 8)
    // A group in itself ends.
    let endless = TaskGroup(name: "inner", members: ["b", "g", "inner"])
    let outer = TaskGroup(name: "g", members: ["a", "inner"])
    #expect(outer.leaves(["inner": endless, "g": outer]) == ["a", "b"])
  }
}
