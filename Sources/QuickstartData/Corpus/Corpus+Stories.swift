import Tensors

extension Corpus {
  /// Generated stories, one a paragraph. The held-out stories come from another sequence, and each has one question: the words
  /// that a fact told at least three sentences earlier decides.
  /// - Parameters:
  ///   - bytes: size of the training text, to the story.
  ///   - questions: held-out stories, and questions.
  public static func stories(seed: UInt64, bytes: Int, questions count: Int) -> Corpus {
    var teller = Storyteller(seed: SplitMix64.value(seed: seed, at: 0))
    var training = ""
    while training.utf8.count < bytes { training += teller.next().text + "\n\n" }

    var heldOutTeller = Storyteller(seed: SplitMix64.value(seed: seed, at: 1))
    var random = SplitMix64(seed: SplitMix64.value(seed: seed, at: 2))
    var heldOut = ""
    var questions: [Question] = []
    while questions.count < count {
      let story = heldOutTeller.next()
      guard let question = question(about: story, &random) else { continue }
      heldOut += story.text + "\n\n"
      questions.append(question)
    }
    return Corpus(
      training: training, heldOut: heldOut, questions: questions,
      summary:
        "generated stories, seed \(seed): \(megabytes(training)) to train on, \(count) held-out stories with a question each"
    )
  }

  /// The fewest sentences between a fact and the question about it.
  static let shortestDistance = 3

  private static func question(about story: Story, _ random: inout SplitMix64) -> Question? {
    let far = story.recalls.filter { $0.distance >= shortestDistance }
    guard !far.isEmpty else { return nil }
    let recall = far[random.next(below: far.count)]
    let answer = random.next(below: recall.decoys.count + 1)
    var choices = recall.decoys
    choices.insert(recall.answer, at: answer)
    // Without the blank, which belongs to the choice.
    return Question(stem: String(story.text.utf8.prefix(recall.offset - 1)) ?? "", choices: choices, answer: answer)
  }

  static func megabytes(_ text: String) -> String {
    let tenths = (text.utf8.count + 50_000) / 100_000
    return "\(tenths / 10).\(tenths % 10) MB"
  }
}
