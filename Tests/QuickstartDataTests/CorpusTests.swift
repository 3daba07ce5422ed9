import Files
import Foundation
import Testing

@testable import QuickstartData

@Suite struct CorpusTests {
  private let corpus = Corpus.stories(seed: 3, bytes: 300_000, questions: 100)

  @Test func storiesAreDeterministic() {
    let again = Corpus.stories(seed: 3, bytes: 300_000, questions: 100)
    #expect(again.training == corpus.training && again.heldOut == corpus.heldOut && again.questions == corpus.questions)
    #expect(Corpus.stories(seed: 4, bytes: 1000, questions: 1).training.prefix(1000) != corpus.training.prefix(1000))
  }

  @Test func heldOutStoriesAreNew() {
    let seen = Set(corpus.training.split(separator: "\n"))
    #expect(corpus.training.utf8.count >= 300_000 && corpus.training.utf8.count < 302_000)
    #expect(corpus.heldOut.split(separator: "\n").allSatisfy { !seen.contains($0) })
  }

  @Test func questionsAreAboutHeldOutStories() {
    #expect(corpus.questions.count == 100)
    for question in corpus.questions {
      #expect(corpus.heldOut.contains("\(question.stem) \(question.choices[question.answer])"))
      #expect(Set(question.choices).count == 4)
    }
    // The right answer has no favourite place.
    for place in 0..<4 { #expect(corpus.questions.count { $0.answer == place } > 10) }
  }

  @Test func directory() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/data"
    try corpus.write(to: path, vocabularySize: 600)
    #expect(try MappedFile(path + "/train.txt").text == corpus.training)
    #expect(try MappedFile(path + "/held-out.txt").text == corpus.heldOut)
    let rows = try MappedFile(path + "/openbookqa/test.jsonl").text.split(separator: "\n").map {
      try JSON(parsing: String($0))
    }
    #expect(rows.count == 100)
    let question = corpus.questions[0]
    #expect(rows[0]["question_stem"]?.string == question.stem)
    #expect(rows[0]["choices"]?["text"]?.array?.map(\.string) == question.choices)
    #expect(rows[0]["choices"]?["label"]?.array?[question.answer] == rows[0]["answerKey"])

    #expect(throws: FileError.exists(path: path)) { try corpus.write(to: path, vocabularySize: 600) }
  }

  @Test func nothingIsLeftOfAFailure() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/data"
    #expect(throws: QuickstartError.self) { try corpus.write(to: path, vocabularySize: 60_000) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
  }

  // MARK: - A user's own text

  private func write(_ text: String, to directory: TemporaryDirectory) throws -> String {
    let path = directory.path + "/own.txt"
    try AtomicFile.write(path) { try $0.write(text) }
    return path
  }

  @Test func ownTextIsSplit() throws {
    let directory = try TemporaryDirectory()
    // Three bytes a character, so that most cuts would fall inside one.
    let text = String(repeating: "\u{20ac}uro \u{2192} z\u{142}oty, na\u{ef}ve caf\u{e9}.\n", count: 5000)
    let own = try Corpus.text(path: try write(text, to: directory), seed: 1, questions: 10)
    #expect(own.training + own.heldOut == text)
    let share = Double(own.heldOut.utf8.count) / Double(text.utf8.count)
    #expect(abs(share - 0.05) < 0.001)
  }

  @Test func ownTextQuestions() {
    let words = (0..<2000).map { "w\($0)" }
    let text = words.joined(separator: " ")
    let questions = Corpus.questions(about: text, count: 50, seed: 1)
    #expect(questions.count > 40)
    for question in questions {
      #expect(text.contains("\(question.stem) \(question.choices[question.answer])"))
      for (index, choice) in question.choices.enumerated() where index != question.answer {
        #expect(!text.contains("\(question.stem) \(choice)") && text.contains(choice))
      }
    }
    #expect(Corpus.questions(about: String(repeating: "x", count: 100_000), count: 50, seed: 1).isEmpty)
    #expect(Corpus.questions(about: String(repeating: "again ", count: 10_000), count: 50, seed: 1).isEmpty)
  }

  @Test func ownTextErrors() throws {
    let directory = try TemporaryDirectory()
    let short = try write("too short", to: directory)
    #expect(throws: QuickstartError.textTooShort(path: short, bytes: 9, minimum: Corpus.minimumBytes)) {
      try Corpus.text(path: short, seed: 1, questions: 1)
    }
    #expect(throws: FileError.notFound(path: "missing.txt")) {
      try Corpus.text(path: "missing.txt", seed: 1, questions: 1)
    }
    var bytes = [UInt8](repeating: 0x61, count: 200_000)
    bytes[1234] = 0xFF
    let path = directory.path + "/binary.txt"
    try AtomicFile.write(path) { file in try bytes.withUnsafeBytes { try file.write($0) } }
    #expect(throws: QuickstartError.notUTF8(path: path, offset: 1234)) {
      try Corpus.text(path: path, seed: 1, questions: 1)
    }
  }
}
