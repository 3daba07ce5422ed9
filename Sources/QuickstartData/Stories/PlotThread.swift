/// A thread of a plot: facts told when it opens decide what is said when it closes. A story opens several, has its people talk of
/// the facts, turns some, and closes them all.
protocol PlotThread {
  /// Tells the facts.
  mutating func open(_ story: inout Narration)
  /// One of the facts as it is now, in the words that told it.
  func fact(_ story: inout Narration) -> Clause
  /// Changes a fact, where the thread can: what counts afterwards is the last state.
  mutating func turn(_ story: inout Narration)
  /// Tells what follows from the facts.
  func close(_ story: inout Narration)
}

extension PlotThread {
  mutating func turn(_ story: inout Narration) {}
}
