import Testing

@testable import Evaluation

struct TaskCatalogTests {
  private let catalog = TaskCatalog.builtIn

  @Test func namesGlobsAndGroups() throws {
    #expect(try catalog.select("piqa").map(\.name) == ["piqa"])
    #expect(
      try catalog.select("winogrande, arc_*,piqa,arc_easy").map(\.name)
        == ["arc_challenge", "arc_easy", "piqa", "winogrande"])
    #expect(try catalog.select("ai2_arc").map(\.name) == ["arc_challenge", "arc_easy"])
    #expect(try catalog.select("*").count == catalog.tasks.count)
    #expect(try catalog.select("[bp]*").map(\.name) == ["boolq", "piqa"])
  }

  @Test func unknownNamesListNearOnes() {
    #expect(throws: EvaluationError.self) { try catalog.select("hellaswga") }
    do { _ = try catalog.select("hellaswga") } catch { #expect("\(error)".contains("did you mean hellaswag")) }
    do { _ = try catalog.select("arc") } catch { #expect("\(error)".contains("arc_easy")) }
    do { _ = try catalog.select("zzz*") } catch { #expect("\(error)".contains("zzz*")) }
    #expect(throws: EvaluationError.self) { try catalog.select(" , ") }
  }

  @Test func listingNamesEveryTaskAndGroup() {
    for task in catalog.tasks { #expect(catalog.listing.contains(task.name)) }
    for group in catalog.groups { #expect(catalog.listing.contains(group.name)) }
  }
}
