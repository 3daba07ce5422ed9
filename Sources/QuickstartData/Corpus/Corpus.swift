import Files

/// The data of one quickstart: a text to train on, a text held out, and questions about what was held out.
public struct Corpus: Sendable {
  public let training: String
  public let heldOut: String
  public let questions: [Question]
  /// One line that says what this is, for people.
  public let summary: String

  /// Trains a tokenizer on the training text and writes a directory, whole or not at all: `train.txt`, `held-out.txt`,
  /// `tokenizer/`, and
  /// `openbookqa/test.jsonl` if there are questions.
  /// - Throws: `QuickstartError`, `FileError`.
  public func write(to directory: String, vocabularySize: Int) throws {
    let staged = try StagedDirectory(directory, replacing: false)
    let tokenizer = try ByteLevelTokenizer(training: training, vocabularySize: vocabularySize)
    try tokenizer.write(to: "\(staged.path)/tokenizer")
    try AtomicFile.write("\(staged.path)/train.txt") { try $0.write(training) }
    try AtomicFile.write("\(staged.path)/held-out.txt") { try $0.write(heldOut) }
    if !questions.isEmpty {
      try AtomicFile.write("\(staged.path)/\(Question.rowFile)") { file in
        for (number, question) in questions.enumerated() { try file.write(question.row(number: number) + "\n") }
      }
    }
    try staged.commit()
  }
}
