import Testing

@testable import QuickstartData

@Suite struct StoryTests {
  private let stories: [Story] = {
    var teller = Storyteller(seed: 7)
    return (0..<2000).map { _ in teller.next() }
  }()

  @Test func sameSeedSameStories() {
    var again = Storyteller(seed: 7)
    #expect((0..<20).map { _ in again.next() } == Array(stories.prefix(20)))
    var other = Storyteller(seed: 8)
    #expect(other.next() != stories[0])
  }

  /// An exact story: a change of the generator changes every number that was measured with it.
  @Test func firstStory() {
    var teller = Storyteller(seed: 1)
    #expect(
      teller.next().text == """
        Last summer there were Tom and Max. Tom promised Max a purple hat. People said that Tom promised Max a purple hat. \
        Tom liked cherries, but Max liked pears. The flowers moved, and the wind came. Tom left the brown drum in the \
        chest. The sun went away, and the flowers slept. People said that Tom promised Max a purple hat. People said that \
        Tom liked cherries. The flowers sang. The air was quiet because the snow came. Tom did not forget and gave Max a \
        purple hat. When it was time to eat, everyone had what they liked. Max had pears and Tom had cherries. Tom found \
        the brown drum in the chest. That was a good day.
        """)
  }

  @Test func recallsStandInTheText() throws {
    for story in stories {
      #expect(story.recalls.count >= 2)
      for recall in story.recalls {
        let before = try #require(String(story.text.utf8.prefix(recall.offset)))
        let after = try #require(String(story.text.utf8.dropFirst(recall.offset)))
        #expect(before.hasSuffix(" ") && after.hasPrefix(recall.answer))
        #expect(Set(recall.decoys + [recall.answer]).count == 4)
        #expect(recall.distance > 0)
      }
    }
  }

  /// Whatever has to be recalled was told before, but for sums, which have to be computed.
  @Test func answersWereTold() throws {
    for story in stories {
      for recall in story.recalls where !Category.number.words.contains(recall.answer) {
        let before = try #require(String(story.text.utf8.prefix(recall.offset)))
        #expect(before.contains(recall.answer), "\(recall.answer) in \(before)")
      }
    }
  }

  /// Adds up what the sentences say about the food and compares it with the count at the end.
  @Test func countsAreRight() throws {
    func number(_ word: some StringProtocol) throws -> Int {
      try #require(Category.number.words.firstIndex(of: String(word))) + 1
    }
    var checked = 0
    for story in stories {
      for end in story.text.matches(of: /counted the (\w+), and there were (\w+)\./) {
        let before = story.text[..<end.range.lowerBound]
        func sum(_ pattern: String) throws -> Int {
          try before.matches(of: try Regex(pattern, as: (Substring, Substring).self)).map { try number($0.output.1) }
            .reduce(0, +)
        }
        let start = try #require(
          before.firstMatch(of: try Regex("had (\\w+) \(end.1)", as: (Substring, Substring).self)))
        let count = try number(start.output.1) + sum("(\\w+) more of the \(end.1)") - sum("gave (\\w+) of the \(end.1)")
        #expect(try number(end.2) == count, "\(story.text)")
        checked += 1
      }
    }
    #expect(checked > 100)
  }

  @Test func chainsAreUndoneFromTheBottom() throws {
    var checked = 0
    for story in stories {
      let trades = story.text.matches(of: /gave the (\w+) to the (\w+) and got (\w+)\./)
      guard trades.count == 3, story.text.matches(of: /needed some/).count == 1 else { continue }
      for trade in trades {
        #expect(story.text.contains("The \(trade.2) would give \(trade.3) for \(trade.1)."), "\(story.text)")
      }
      #expect(story.text.contains("needed some \(trades[2].3).") && story.text.contains("had some \(trades[0].1)."))
      #expect(trades[0].3 == trades[1].1 && trades[1].3 == trades[2].1)
      checked += 1
    }
    #expect(checked > 20)
  }

  @Test func plainEnglish() {
    for story in stories {
      #expect(story.text.utf8.allSatisfy { (0x20...0x7E).contains($0) })
      #expect(!story.text.contains("  ") && !story.text.contains(" ."))
      #expect(story.text.firstMatch(of: /\ba [aeiou]/) == nil, "\(story.text)")
      #expect(story.text.firstMatch(of: /\. [a-z]/) == nil, "\(story.text)")
    }
  }
}
