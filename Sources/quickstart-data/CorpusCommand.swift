import ArgumentParser
import QuickstartData

struct CorpusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "corpus", abstract: "Writes a text to train on, a held-out text, questions and a tokenizer.",
    discussion: """
      Example: quickstart-data corpus --output data
      Writes data/train.txt, data/held-out.txt, data/openbookqa/test.jsonl and data/tokenizer/. Without --text the text is made of
      generated stories, the same ones for the same seed.
      """)

  @Option(help: ArgumentHelp("The directory to write; it must not exist.", valueName: "dir"))
  var output: String
  @Option(help: ArgumentHelp("A UTF-8 text of your own, instead of generated stories.", valueName: "file"))
  var text: String?
  @Option(help: ArgumentHelp("Megabytes of stories to train on.", valueName: "n"))
  var megabytes = 24
  @Option(help: "Questions about the held-out text.")
  var questions = 400
  @Option(
    help: ArgumentHelp("Tokens of the tokenizer, \(ByteLevelTokenizer.smallestVocabulary) or more.", valueName: "n"))
  var vocabularySize = 640
  @Option(help: "Another seed, other stories and questions.")
  var seed: UInt64 = 1

  func validate() throws {
    guard (1...1000).contains(megabytes) else {
      throw ValidationError("--megabytes: expected 1 to 1000, found \(megabytes)")
    }
    guard (1...100_000).contains(questions) else {
      throw ValidationError("--questions: expected 1 to 100000, found \(questions)")
    }
    guard (ByteLevelTokenizer.smallestVocabulary...65_536).contains(vocabularySize) else {
      throw ValidationError(
        "--vocabulary-size: expected \(ByteLevelTokenizer.smallestVocabulary) to 65536, found \(vocabularySize)")
    }
  }

  func run() throws {
    let corpus =
      if let text {
        try Corpus.text(path: text, seed: seed, questions: questions)
      } else {
        Corpus.stories(seed: seed, bytes: megabytes * 1_000_000, questions: questions)
      }
    try corpus.write(to: output, vocabularySize: vocabularySize)
    print(corpus.summary)
  }
}
