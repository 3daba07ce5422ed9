import Files
import Tensors

extension Corpus {
  /// The least text, in bytes, that can be split into something to learn from and something to measure.
  public static let minimumBytes = 100_000
  /// Text beyond this many bytes is not read: a quickstart trains on far less.
  public static let maximumBytes = 32_000_000

  /// A user's own text: the last twentieth, at most 256 KB, is held out, and the questions are about it. The right choice is how the
  /// text goes on, the wrong ones are how it goes on elsewhere.
  /// - Throws: `QuickstartError` for a text that is not UTF-8 or too short; `FileError`.
  public static func text(path: String, seed: UInt64, questions count: Int) throws -> Corpus {
    try MappedFile(path).withBytes { try text($0.bindMemory(to: UInt8.self), path: path, seed: seed, questions: count) }
  }

  private static func text(
    _ bytes: UnsafeBufferPointer<UInt8>, path: String, seed: UInt64, questions count: Int
  ) throws(QuickstartError) -> Corpus {
    var end = min(bytes.count, maximumBytes)
    if end < bytes.count { end = characterBoundary(in: bytes, before: end) }
    guard end >= minimumBytes else { throw .textTooShort(path: path, bytes: end, minimum: minimumBytes) }
    let split = characterBoundary(in: bytes, before: end - min(end / 20, 256_000))
    let training = try string(bytes[..<split], path: path)
    let heldOut = try string(bytes[split..<end], path: path)
    let rest = end < bytes.count ? " (the rest of the file is left out)" : ""
    return Corpus(
      training: training, heldOut: heldOut, questions: questions(about: heldOut, count: count, seed: seed),
      summary: "\(path): \(megabytes(training)) to train on, \(megabytes(heldOut)) held out\(rest)")
  }

  private static func string(_ bytes: Slice<UnsafeBufferPointer<UInt8>>, path: String) throws(QuickstartError) -> String
  {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    var offset = bytes.startIndex
    var parser = Unicode.UTF8.ForwardParser()
    var iterator = bytes.makeIterator()
    while case .valid(let scalar) = parser.parseScalar(from: &iterator) { offset += scalar.count }
    throw .notUTF8(path: path, offset: offset)
  }

  /// The nearest place at or before `index` where a character of UTF-8 begins.
  private static func characterBoundary(in bytes: UnsafeBufferPointer<UInt8>, before index: Int) -> Int {
    var index = index
    while index > 0, bytes[index] & 0xC0 == 0x80 { index -= 1 }
    return index
  }

  // MARK: - Questions

  /// Words of text before a question, and of each choice.
  private static let stemWords = 100
  private static let choiceWords = 8

  /// Questions whose choices are continuations of the held-out text, one right, three from other places. Words are what blanks
  /// separate; a text that has too few of them (no blanks, say) gets no questions.
  static func questions(about text: String, count: Int, seed: UInt64) -> [Question] {
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    let places = words.count - stemWords - choiceWords
    guard places >= stemWords else { return [] }
    func joined(_ range: Range<Int>) -> String { words[range].joined(separator: " ") }
    var random = SplitMix64(seed: seed)
    func continuation(_ random: inout SplitMix64) -> (start: Int, text: String) {
      let start = stemWords + random.next(below: places)
      return (start, joined(start..<start + choiceWords))
    }

    var questions: [Question] = []
    for _ in 0..<count {
      let right = continuation(&random)
      // A text that repeats itself may give the right words again, and then this question is left out.
      let wrong = (0..<3).map { _ in continuation(&random).text }
      guard Set(wrong + [right.text]).count == 4 else { continue }
      let answer = random.next(below: 4)
      var choices = wrong
      choices.insert(right.text, at: answer)
      questions.append(
        Question(stem: joined(right.start - stemWords..<right.start), choices: choices, answer: answer))
    }
    return questions
  }
}
