import Tensors

/// A story being told: its text so far, the facts told, and the words not used yet.
///
/// A word of a category is drawn at most once in a story, so that a fact is never ambiguous.
struct Narration {
  private(set) var random: SplitMix64
  private var text = ""
  private var recalls: [Story.Recall] = []
  private var sentences = 0
  /// What was drawn, by category, in the order in which it was drawn.
  private var drawn: [Category: [String]] = [:]

  init(random: SplitMix64) { self.random = random }

  var story: Story { Story(text: text, recalls: recalls) }

  /// The number of the next sentence: a fact told there is remembered with it.
  var now: Int { sentences }

  // MARK: - Chance

  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[random.next(below: elements.count)] }

  mutating func number(_ range: ClosedRange<Int>) -> Int { range.lowerBound + random.next(below: range.count) }

  /// True `numerator` times out of `denominator`.
  mutating func chance(_ numerator: Int, in denominator: Int) -> Bool { random.next(below: denominator) < numerator }

  mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
    var elements = elements
    for index in elements.indices.dropFirst().reversed() {
      elements.swapAt(index, random.next(below: index + 1))
    }
    return elements
  }

  /// A word that this story has not used, with a quality that it has not used either.
  mutating func draw(_ category: Category) -> String {
    let phrase = fresh(category)
    drawn[category, default: []].append(phrase)
    return phrase
  }

  private mutating func fresh(_ category: Category) -> String {
    let used = drawn[category, default: []]
    let word = pick(category.words.filter { word in !used.contains { $0.hasSuffix(word) } })
    let qualities = category.qualities.filter { quality in !used.contains { $0.hasPrefix(quality) } }
    return qualities.isEmpty ? word : "\(pick(qualities)) \(word)"
  }

  mutating func drawPerson() -> Character { chance(1, in: 2) ? .girl(draw(.girl)) : .boy(draw(.boy)) }

  // MARK: - Sentences

  /// Adds one sentence; its first letter becomes a capital.
  mutating func say(_ sentence: Clause) {
    if !text.isEmpty { text += " " }
    let start = text.endIndex
    for piece in sentence.pieces {
      switch piece {
      case .words(let words): text += words
      case .recall(let answer, let category, let told):
        if told < sentences {
          recalls.append(
            Story.Recall(
              offset: text.utf8.count, answer: answer, decoys: decoys(for: answer, category), distance: sentences - told
            )
          )
        }
        text += answer
      }
    }
    text.replaceSubrange(start...start, with: text[start].uppercased())
    sentences += 1
  }

  private mutating func decoys(for answer: String, _ category: Category) -> [String] {
    var decoys = Array(shuffled(drawn[category, default: []].filter { $0 != answer }).prefix(3))
    while decoys.count < 3 {
      let other = fresh(category)
      if other != answer, !decoys.contains(other) { decoys.append(other) }
    }
    return decoys
  }
}
