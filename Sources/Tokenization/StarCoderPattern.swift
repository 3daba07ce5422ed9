/// Cuts text into words as StarCoder and SmolLM do: each number is a word (`Digits` with `individual_digits`), and what
/// stands between two of them is cut by GPT-2's pattern as a text of its own.
struct StarCoderPattern: Sendable {
  private let classes = UnicodeClasses.shared
  private let pattern = GPT2Pattern()

  /// Where the word that begins at `start` ends; `start` is below `text.count`.
  @inline(__always)
  func end(of start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    let (kind, length) = classes.classify(start, text)
    let second = start + length
    if kind == .number { return second }
    guard kind == .space, second < text.count else { return pattern.end(of: start, in: text) }
    switch classes.classify(second, text).0 {
    case .number: return second
    case .space: return space(start, text)
    case .letter, .other: return pattern.end(of: start, in: text)
    }
  }

  /// White space keeps its last character before a number, as at the end of a text.
  private func space(_ start: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
    let end = pattern.end(of: start, in: text)
    guard end < text.count else { return end }
    let last = end + classes.classify(end, text).length
    return last < text.count && classes.classify(last, text).0 == .number ? last : end
  }
}
