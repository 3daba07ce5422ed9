// The threads that stories are woven from. Each is made for a cast of at least two.

/// Where a thing was put, and by whom; a turn moves it.
struct HiddenThing: PlotThread {
  private let owner: Character
  private let other: Character
  private let thing: String
  private var spot: String
  private var told = (thing: 0, spot: 0)

  init(_ cast: [Character], _ story: inout Narration) {
    let cast = story.shuffled(cast)
    (owner, other) = (cast[0], cast[1])
    (thing, spot) = (story.draw(.thing), story.draw(.spot))
  }

  mutating func open(_ story: inout Narration) {
    told = (story.now, story.now)
    story.say("\(owner.name) left the \(thing) \(spot).")
  }

  mutating func mention(_ story: inout Narration) {
    story.say("\(owner.name) was thinking of the ", .recall(thing, .thing, told: told.thing), ".")
    told.thing = story.now - 1
  }

  mutating func turn(_ story: inout Narration) {
    spot = story.draw(.spot)
    told.spot = story.now
    story.say("\(story.pick([owner, other]).name) put the \(thing) \(spot).")
  }

  func close(_ story: inout Narration) {
    story.say(
      "\(owner.name) looked for the ", .recall(thing, .thing, told: told.thing), " and found the \(thing) ",
      .recall(spot, .spot, told: told.spot), ".")
  }
}

/// A chain of trades, told from the wish down and undone from the bottom up: the last good asked for is the first given.
struct TradeChain: PlotThread {
  private let hero: Character
  /// The trader at each step has the good of the same index and wants the next one.
  private let traders: [String]
  private let goods: [String]
  private var told: [Int] = []

  init(_ cast: [Character], _ story: inout Narration) {
    hero = story.pick(cast)
    let steps = story.number(1...3)
    traders = (0..<steps).map { _ in story.draw(.trade) }
    goods = (0...steps).map { _ in story.draw(.good) }
  }

  mutating func open(_ story: inout Narration) {
    story.say("\(hero.name) needed some \(goods[0]).")
    for (step, trader) in traders.enumerated() {
      told.append(story.now)
      story.say("The \(trader) would give \(hero.object) \(goods[step]) for \(goods[step + 1]).")
    }
  }

  mutating func mention(_ story: inout Narration) {
    let step = story.number(0...traders.count - 1)
    story.say("the \(traders[step]) had much ", .recall(goods[step], .good, told: told[step]), ".")
    told[step] = story.now - 1
  }

  func close(_ story: inout Narration) {
    story.say("\(hero.name) had some ", .recall(goods[traders.count], .good, told: told[traders.count - 1]), ".")
    for step in traders.indices.reversed() {
      story.say(
        "\(hero.subject) gave the \(goods[step + 1]) to the ", .recall(traders[step], .trade, told: told[step]), " and got ",
        .recall(goods[step], .good, told: told[step]), ".")
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
    story.say("\(giver.name) promised to give \(receiver.name) a \(thing).")
  }

  mutating func mention(_ story: inout Narration) {
    story.say("\(giver.name) was looking for a ", .recall(thing, .thing, told: told), ".")
    told = story.now - 1
  }

  func close(_ story: inout Narration) {
    story.say("\(giver.name) did not forget the promise.")
    story.say("\(giver.subject) gave \(receiver.name) a ", .recall(thing, .thing, told: told), ".")
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
    story.say("\(owner.name) had \(Category.word(for: count)) \(food) in a bag.")
  }

  mutating func mention(_ story: inout Narration) {
    story.say("\(owner.name) looked at the ", .recall(food, .food, told: told), " in the bag.")
  }

  mutating func turn(_ story: inout Narration) {
    told = story.now
    let change = story.number(1...2)
    if story.chance(1, in: 2) {
      count -= change
      story.say("\(owner.name) gave \(Category.word(for: change)) of the \(food) to \(other.name).")
    } else {
      count += change
      story.say("\(other.name) put \(Category.word(for: change)) more of the \(food) into the bag.")
    }
  }

  func close(_ story: inout Narration) {
    story.say("\(owner.name) counted the \(food) in the bag.")
    story.say("the number of \(food) was ", .recall(Category.word(for: count), .number, told: told), ".")
  }
}

/// A walk from place to place, and the same way back in the opposite order.
struct Journey: PlotThread {
  private let walker: Character
  private let places: [String]
  private var told = 0

  init(_ cast: [Character], _ story: inout Narration) {
    walker = story.pick(cast)
    places = (0..<story.number(2...3)).map { _ in story.draw(.place) }
  }

  mutating func open(_ story: inout Narration) {
    told = story.now
    story.say("\(walker.name) walked from the \(places[0]) to the \(places[1]).")
    if places.count > 2 { story.say("from the \(places[1]) \(walker.subject) went on to the \(places[2]).") }
  }

  mutating func mention(_ story: inout Narration) {
    story.say("\(walker.name) sat down by the ", .recall(places[places.count - 1], .place, told: told), ".")
  }

  func close(_ story: inout Narration) {
    let back = Array(places.reversed())
    story.say(
      "\(walker.name) walked back from the ", .recall(back[0], .place, told: told), " to the ",
      .recall(back[1], .place, told: told), ".")
    if back.count > 2 {
      story.say("from the \(back[1]) \(walker.subject) went on to the ", .recall(back[2], .place, told: told), ".")
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
    story.say("\(friends[0].name) liked \(foods[0]), but \(friends[1].name) liked \(foods[1]).")
  }

  mutating func mention(_ story: inout Narration) {
    let asked = story.number(0...1)
    story.say("\(friends[asked].name) liked ", .recall(foods[asked], .food, told: told), " more than all else.")
  }

  func close(_ story: inout Narration) {
    let order = story.shuffled([0, 1])
    story.say("when it was time to eat, everyone had what they liked.")
    story.say(
      "\(friends[order[0]].name) had ", .recall(foods[order[0]], .food, told: told),
      " and \(friends[order[1]].name) had ", .recall(foods[order[1]], .food, told: told), ".")
  }
}

/// Where each of two is; a turn sends one elsewhere.
struct Whereabouts: PlotThread {
  private let friends: [Character]
  private var places: [String]
  private var told: [Int] = [0, 0]

  init(_ cast: [Character], _ story: inout Narration) {
    friends = Array(story.shuffled(cast).prefix(2))
    places = friends.map { _ in story.draw(.place) }
  }

  mutating func open(_ story: inout Narration) {
    told = [story.now, story.now]
    story.say("\(friends[0].name) was at the \(places[0]), and \(friends[1].name) was at the \(places[1]).")
  }

  mutating func mention(_ story: inout Narration) {
    let asked = story.number(0...1)
    story.say("\(friends[asked].name) was happy at the ", .recall(places[asked], .place, told: told[asked]), ".")
    told[asked] = story.now - 1
  }

  mutating func turn(_ story: inout Narration) {
    let moved = story.number(0...1)
    places[moved] = story.draw(.place)
    told[moved] = story.now
    story.say("the next day \(friends[moved].name) was at the \(places[moved]).")
  }

  func close(_ story: inout Narration) {
    let asked = story.number(0...1)
    story.say("someone asked for \(friends[asked].name).")
    story.say("\(friends[asked].name) was at the ", .recall(places[asked], .place, told: told[asked]), ".")
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
    story.say("\(owner.name) had a \(animal) named \(name).")
  }

  mutating func mention(_ story: inout Narration) {
    story.say("the \(animal) named ", .recall(name, .petName, told: told), " was hungry.")
    told = story.now - 1
  }

  func close(_ story: inout Narration) {
    story.say(
      "\(owner.name) called the ", .recall(animal, .animal, told: told), " named ", .recall(name, .petName, told: told),
      ", and it came.")
  }
}
