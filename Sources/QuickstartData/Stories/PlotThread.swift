/// A thread of a plot: facts told when it opens decide what is said when it closes. A story opens several, mentions or turns some,
/// talks of other things, and closes them all.
protocol PlotThread {
  /// Tells the facts.
  mutating func open(_ story: inout Narration)
  /// Comes back to one of the facts without changing it.
  mutating func mention(_ story: inout Narration)
  /// Changes a fact, where the thread can: what counts afterwards is the last state.
  mutating func turn(_ story: inout Narration)
  /// Tells what follows from the facts.
  func close(_ story: inout Narration)
}

extension PlotThread {
  mutating func turn(_ story: inout Narration) {}
}
