/// Sentences that tell no facts: they only put distance between the facts and their use.
enum Scenery {
  static func describe(_ story: inout Narration) {
    let clauses = story.shuffled(kinds).prefix(2).map { $0(&story) }
    switch story.number(0...3) {
    case 0: story.say("\(clauses[0]).")
    case 1: story.say("\(clauses[0]), and \(clauses[1]).")
    case 2: story.say("when \(clauses[0]), \(clauses[1]).")
    default: story.say("\(clauses[0]) because \(clauses[1]).")
    }
  }

  /// Clauses of different kinds, so that no sentence says the same thing twice.
  private static let kinds: [@Sendable (inout Narration) -> String] = [
    { "the \($0.pick(["sun", "wind", "rain", "snow"])) \($0.pick(["came", "went away", "came back"]))" },
    { "the \($0.pick(["sky", "air", "grass", "day"])) was \($0.pick(["warm", "cold", "bright", "quiet"]))" },
    { "the \($0.pick(["birds", "trees", "flowers"])) \($0.pick(["sang", "moved", "slept", "woke up"]))" },
  ]
}
