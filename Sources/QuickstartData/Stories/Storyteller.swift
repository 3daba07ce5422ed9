import Tensors

/// Tells stories without end, the same ones for the same seed.
///
/// A story has two or three people and two or three threads. All threads open first, people talk of them, some turn,
/// something else is told in between, at times a whole story inside the story, and then every thread closes, in another
/// order. What is said at the closing follows from sentences far back: a model has to look back, and to combine what it
/// finds. What people repeat in the same words is the first thing that a small model learns to look back for.
public struct Storyteller: Sendable {
  private var random: SplitMix64

  public init(seed: UInt64) { random = SplitMix64(seed: seed) }

  public mutating func next() -> Story {
    // Each story has a sequence of its own, so that a change in one does not shift the others.
    var story = Narration(random: SplitMix64(seed: random.next()))
    tell(&story)
    return story.story
  }

  private func tell(_ story: inout Narration) {
    let cast = (0..<story.number(2...3)).map { _ in story.drawPerson() }
    let names = cast.dropLast().map(\.name).joined(separator: ", ") + " and \(cast[cast.count - 1].name)"
    story.say("\(story.pick(["one day", "once upon a time", "long ago", "last summer"])) there were \(names).")
    weave(cast, threads: story.number(2...3), &story) { story in
      if story.chance(1, in: 3) { tellStoryInside(cast, &story) } else { Scenery.describe(&story) }
    }
    let ending = story.pick([
      "they all went to bed happy", "that was a good day", "and so they were friends ever after",
    ])
    story.say("\(ending).")
  }

  /// Opens threads, turns some, lets `interlude` tell something else, and closes the threads in another order.
  private func weave(
    _ cast: [Character], threads count: Int, _ story: inout Narration, interlude: (inout Narration) -> Void
  ) {
    var threads = story.shuffled(Self.kinds).prefix(count).map { $0(cast, &story) }
    for index in threads.indices {
      threads[index].open(&story)
      talk(about: threads[story.number(0...index)], &story)
    }
    for index in story.shuffled(Array(threads.indices)) {
      if story.chance(1, in: 2) { threads[index].turn(&story) }
      talk(about: threads[index], &story)
    }
    interlude(&story)
    for thread in story.shuffled(threads) { thread.close(&story) }
  }

  /// Repeats a fact as it was told, or describes the weather.
  private func talk(about thread: any PlotThread, _ story: inout Narration) {
    guard story.chance(2, in: 3) else { return Scenery.describe(&story) }
    let opening = story.pick(["everybody knew that", "people said that", "it was true that"])
    let fact = thread.fact(&story)
    story.say("\(opening) \(fact).")
  }

  /// A short story that one of the cast tells the others, with animals for people.
  private func tellStoryInside(_ cast: [Character], _ story: inout Narration) {
    let animals = (0..<2).map { _ in Character.animal(story.draw(.animal)) }
    story.say("\(story.pick(cast).name) told a story about \(animals[0].name) and \(animals[1].name).")
    weave(animals, threads: 1, &story) { _ in }
    story.say("that was the end of the story about \(animals[0].name).")
  }

  private static let kinds: [@Sendable ([Character], inout Narration) -> any PlotThread] = [
    { HiddenThing($0, &$1) }, { TradeChain($0, &$1) }, { Promise($0, &$1) }, { Count($0, &$1) }, { Journey($0, &$1) },
    { Favourites($0, &$1) }, { Whereabouts($0, &$1) }, { Pet($0, &$1) },
  ]
}
