import Tensors
import Testing

@testable import Programs

@Suite struct PlannerTests {
  @Test(arguments: 0..<100)
  func placesRandomLifetimesApart(seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    let count = random.next(below: 200) + 1
    let duration = random.next(below: 100) + 1
    let items = (0..<count).map { _ in
      let start = random.next(below: duration)
      return Placement.Item(
        size: random.next(below: 5000) + 1, lifetime: start...(start + random.next(below: duration)))
    }
    let placement = Placement(items)
    expectNoOverlap(
      zip(items, placement.offsets).map { (offset: $1, size: $0.size, lifetime: $0.lifetime) }, arena: placement.size)
    let live = largestLiveSet(items)
    #expect(placement.size >= live)
    // How far above the bound greedy placement may end is not known; in practice it stays close.
    #expect(Double(placement.size) < 1.5 * Double(live) + Double(Placement.alignment * count))
  }

  /// The most bytes that live at one time: no arena can be smaller.
  private func largestLiveSet(_ items: [Placement.Item]) -> Int {
    items.map { item in
      let time = item.lifetime.lowerBound
      return items.reduce(0) { $0 + ($1.lifetime.contains(time) ? $1.size : 0) }
    }.max() ?? 0
  }

  @Test func valuesThatNeverMeetShareTheirPlace() {
    let placement = Placement([
      Placement.Item(size: 1000, lifetime: 0...1), Placement.Item(size: 1000, lifetime: 2...3),
      Placement.Item(size: 10, lifetime: 1...2),
    ])
    #expect(placement.offsets == [0, 0, 1024])
    #expect(placement.size == 1024 + 64)
  }

  @Test func nothingNeedsNoMemory() {
    #expect(Placement([]).size == 0)
  }

  @Test func plansThirtySixLayersFast() throws {
    var graph = Graph()
    _ = try Fixture.emit(into: &graph, rows: 60, TestModel.gpt2(blocks: 36))
    let training = try Backward.differentiate(graph)
    let start = ContinuousClock.now
    let plan = ProgramPlan(training)
    let duration = ContinuousClock.now - start
    #expect(plan.placements.count > 36 * 18)
    // 10 ms, unoptimised; a busy machine is given time.
    #expect(duration < .seconds(1))
  }
}
