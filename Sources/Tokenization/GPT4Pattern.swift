/// Cuts text into words as GPT-4, Llama 3 and Qwen do:
///
///     (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}
///     | ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
///
/// Source: openai/tiktoken, tiktoken_ext/openai_public.py (`cl100k_base`). A scanner like `GPT2Pattern`.
struct GPT4Pattern: Sendable {
  /// So many numbers at most are one word: 3, or 1 (Qwen).
  let longestNumber: Int
  private let classes = UnicodeClasses.shared

  init(longestNumber: Int) { self.longestNumber = longestNumber }

  /// Where the word that begins at `start` ends; `start` is below `text.count`.
  @inline(__always)
  func end(of start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    let first = text[start]
    if first == UInt8(ascii: "'"), let end = contraction(start, text) { return end }
    let (kind, length) = classes.classify(start, text)
    let second = start + length
    if kind == .letter { return classes.run(of: .letter, from: second, text) }
    if kind == .number { return number(from: second, text) }
    if second < text.count {
      let (next, length) = classes.classify(second, text)
      if next == .letter, first != UInt8(ascii: "\n"), first != UInt8(ascii: "\r") {
        return classes.run(of: .letter, from: second + length, text)
      }
      if next == .other, first == UInt8(ascii: " ") { return signs(from: second + length, text) }
    }
    return kind == .other ? signs(from: second, text) : space(start, length, text)
  }

  private func number(from start: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
    var at = start
    for _ in 1..<longestNumber where at < text.count {
      let (kind, length) = classes.classify(at, text)
      guard kind == .number else { break }
      at += length
    }
    return at
  }

  /// What is neither letter, number nor white space, and the line ends behind it.
  private func signs(from start: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
    var at = classes.run(of: .other, from: start, text)
    while at < text.count, isLineEnd(text[at]) { at += 1 }
    return at
  }

  /// White space up to its last line end. Without one, it gives its last character to the word that follows, where
  /// there is one.
  private func space(_ start: Int, _ length: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
    var last = start
    var end = start + length
    var lineEnd = isLineEnd(text[start]) ? end : nil
    while end < text.count {
      let (kind, length) = classes.classify(end, text)
      guard kind == .space else { return lineEnd ?? (last == start ? end : last) }
      last = end
      end += length
      if isLineEnd(text[last]) { lineEnd = end }
    }
    return lineEnd ?? end
  }

  /// Letters of either case; U+017F is a small "s", too.
  private func contraction(_ start: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int? {
    guard start + 1 < text.count else { return nil }
    let second = start + 2 < text.count ? text[start + 2] : 0
    switch (text[start + 1] | 0x20, second | 0x20) {
    case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _), (UInt8(ascii: "d"), _):
      return start + 2
    case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
      (UInt8(ascii: "l"), UInt8(ascii: "l")):
      return start + 3
    default: return text[start + 1] == 0xC5 && second == 0xBF ? start + 3 : nil
    }
  }

  @inline(__always)
  private func isLineEnd(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }
}
