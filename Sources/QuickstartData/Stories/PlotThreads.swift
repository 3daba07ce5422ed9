// The threads that stories are woven from. Each is made for a cast of at least two.

/// Where somebody left a thing; a turn moves it.
struct HiddenThing: PlotThread {
  private let owner: Character
  private let other: Character
  private let thing: String
  private var mover: Character
  private var spot: String
  private var told = (thing: 0, spot: 0)

  init(_ cast: [Character], _ story: inout Narration) {
    let cast = story.shuffled(cast)
    (owner, other) = (cast[0], cast[1])
    mover = owner
    (thing, spot) = (story.draw(.thing), story.draw(.spot))
  }

  mutating func open(_ story: inout Narration) {
    told = (story.now, story.now)
    story.say("\(fact(&story)).")
  }

  func fact(_ story: inout Narration) -> Clause {
    "\(mover.name) left the \(thing, .thing, told: told.thing) \(spot, .spot, told: told.spot)"
  }

  mutating func turn(_ story: inout Narration) {
    (mover, spot) = (story.pick([owner, other]), story.draw(.spot))
    told.spot = story.now
    story.say("\(fact(&story)).")
  }

  func close(_ story: inout Narration) {
    story.say("\(owner.name) found the \(thing, .thing, told: told.thing) \(spot, .spot, told: told.spot).")
  }
}

/// A chain of trades, told from the wish down and undone from the bottom up: the last good asked for is the first given.
struct TradeChain: PlotThread {
  private let hero: Character
  /// The trader at each step has the good of the same index and wants the next one.
  private let traders: [String]
  private let goods: [String]
  private var told: [Int]

  init(_ cast: [Character], _ story: inout Narration) {
    hero = story.pick(cast)
    let steps = story.number(1...3)
    traders = (0..<steps).map { _ in story.draw(.trade) }
    goods = (0...steps).map { _ in story.draw(.good) }
    told = traders.map { _ in 0 }
  }

  mutating func open(_ story: inout Narration) {
    story.say("\(hero.name) needed some \(goods[0]).")
    for step in traders.indices {
      told[step] = story.now
      story.say("\(fact(step)).")
    }
  }

  func fact(_ story: inout Narration) -> Clause { fact(story.number(0...traders.count - 1)) }

  private func fact(_ step: Int) -> Clause {
    let (good, price) = (goods[step], goods[step + 1])
    return "the \(traders[step]) would give \(good, .good, told: told[step]) for \(price, .good, told: told[step])"
  }

  func close(_ story: inout Narration) {
    story.say("\(hero.name) had some \(goods[traders.count], .good, told: told[traders.count - 1]).")
    for step in traders.indices.reversed() {
      let given: Clause =
        "\(hero.subject) gave the \(goods[step + 1]) to the \(traders[step], .trade, told: told[step])"
      story.say("\(given) and got \(goods[step], .good, told: told[step]).")
    }
  }
}

/// A promise of a thing, kept at the end.
struct Promise: PlotThread {
  private let giver: Character
  private let receiver: Character
  private let thing: String
  private var told = 0

  init(_ cast: [Character], _ story: inout Narration) {
    let cast = story.shuffled(cast)
    (giver, receiver) = (cast[0], cast[1])
    thing = story.draw(.thing)
  }

  mutating func open(_ story: inout Narration) {
    told = story.now
    story.say("\(fact(&story)).")
  }

  func fact(_ story: inout Narration) -> Clause {
    "\(giver.name) promised \(receiver.name) a \(thing, .thing, told: told)"
  }

  func close(_ story: inout Narration) {
    story.say("\(giver.name) did not forget and gave \(receiver.name) a \(thing, .thing, told: told).")
  }
}

/// How many of something there are; turns add or take away.
struct Count: PlotThread {
  private let owner: Character
  private let other: Character
  private let food: String
  private var count: Int
  private var told = 0

  init(_ cast: [Character], _ story: inout Narration) {
    let cast = story.shuffled(cast)
    (owner, other) = (cast[0], cast[1])
    food = story.draw(.food)
    count = story.number(3...9)
  }

  mutating func open(_ story: inout Narration) {
    told = story.now
    story.say("\(fact(&story)).")
  }

  func fact(_ story: inout Narration) -> Clause {
    "\(owner.name) had \(Category.word(for: count), .number, told: told) \(food)"
  }

  mutating func turn(_ story: inout Narration) {
    told = story.now
    let change = story.number(1...2)
    if story.chance(1, in: 2) {
      count -= change
      story.say("\(owner.name) gave \(Category.word(for: change)) of the \(food) to \(other.name).")
    } else {
      count += change
      story.say("\(other.name) gave \(owner.name) \(Category.word(for: change)) more of the \(food).")
    }
  }

  func close(_ story: inout Narration) {
    story.say("\(owner.name) counted the \(food), and there were \(Category.word(for: count), .number, told: told).")
  }
}

/// A walk from place to place, and the same way back in the opposite order.
struct Journey: PlotThread {
  private let walker: Character
  private let places: [String]
  private var told: [Int]

  init(_ cast: [Character], _ story: inout Narration) {
    walker = story.pick(cast)
    places = (0..<story.number(2...3)).map { _ in story.draw(.place) }
    told = places.dropLast().map { _ in 0 }
  }

  mutating func open(_ story: inout Narration) {
    for leg in told.indices {
      told[leg] = story.now
      story.say("\(fact(leg)).")
    }
  }

  func fact(_ story: inout Narration) -> Clause { fact(story.number(0...told.count - 1)) }

  private func fact(_ leg: Int) -> Clause {
    "\(walker.name) walked from the \(places[leg], .place, told: told[leg]) to the \(places[leg + 1], .place, told: told[leg])"
  }

  func close(_ story: inout Narration) {
    for leg in told.indices.reversed() {
      story.say(
        "\(walker.name) came back from the \(places[leg + 1], .place, told: told[leg]) to the \(places[leg], .place, told: told[leg])."
      )
    }
  }
}

/// What each of two likes best.
struct Favourites: PlotThread {
  private let friends: [Character]
  private let foods: [String]
  private var told = 0

  init(_ cast: [Character], _ story: inout Narration) {
    friends = Array(story.shuffled(cast).prefix(2))
    foods = friends.map { _ in story.draw(.food) }
  }

  mutating func open(_ story: inout Narration) {
    told = story.now
    story.say("\(fact(0)), but \(fact(1)).")
  }

  func fact(_ story: inout Narration) -> Clause { fact(story.number(0...1)) }

  private func fact(_ friend: Int) -> Clause {
    "\(friends[friend].name) liked \(foods[friend], .food, told: told)"
  }

  func close(_ story: inout Narration) {
    let order = story.shuffled([0, 1])
    story.say("when it was time to eat, everyone had what they liked.")
    story.say(
      "\(friends[order[0]].name) had \(foods[order[0]], .food, told: told) and \(friends[order[1]].name) had \(foods[order[1]], .food, told: told)."
    )
  }
}

/// Where each of two is; a turn sends one elsewhere.
struct Whereabouts: PlotThread {
  private let friends: [Character]
  private var places: [String]
  private var told = [0, 0]

  init(_ cast: [Character], _ story: inout Narration) {
    friends = Array(story.shuffled(cast).prefix(2))
    places = friends.map { _ in story.draw(.place) }
  }

  mutating func open(_ story: inout Narration) {
    told = [story.now, story.now]
    story.say("\(fact(0)), and \(fact(1)).")
  }

  func fact(_ story: inout Narration) -> Clause { fact(story.number(0...1)) }

  private func fact(_ friend: Int) -> Clause {
    "\(friends[friend].name) was at the \(places[friend], .place, told: told[friend])"
  }

  mutating func turn(_ story: inout Narration) {
    let moved = story.number(0...1)
    places[moved] = story.draw(.place)
    told[moved] = story.now
    story.say("the next day \(fact(moved)).")
  }

  func close(_ story: inout Narration) {
    let asked = story.number(0...1)
    story.say("someone asked for \(friends[asked].name), and \(fact(asked)).")
  }
}

/// The name and the kind of an animal that somebody keeps.
struct Pet: PlotThread {
  private let owner: Character
  private let animal: String
  private let name: String
  private var told = 0

  init(_ cast: [Character], _ story: inout Narration) {
    owner = story.pick(cast)
    (animal, name) = (story.draw(.animal), story.draw(.petName))
  }

  mutating func open(_ story: inout Narration) {
    told = story.now
    story.say("\(fact(&story)).")
  }

  func fact(_ story: inout Narration) -> Clause {
    "\(owner.name) had a \(animal, .animal, told: told) named \(name, .petName, told: told)"
  }

  func close(_ story: inout Narration) {
    story.say(
      "\(owner.name) called the \(animal, .animal, told: told) named \(name, .petName, told: told), and it came.")
  }
}
