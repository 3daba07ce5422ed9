/// Cuts text into words as GPT-2 does:
///
///     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
///
/// Source: openai/gpt-2, src/encoder.py. A scanner in place of a regular expression: each byte is looked at once or
/// twice.
public struct GPT2Pattern: Sendable {
  private let classes: UnicodeClasses

  public init() { classes = .shared }

  /// Where the word that begins at `start` ends; `start` is below `text.count`.
  @inline(__always)
  public func end(of start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    let first = text[start]
    if first == UInt8(ascii: "'"), let end = contraction(start, text) { return end }
    let (kind, length) = classes.classify(start, text)
    if first == UInt8(ascii: " "), start + 1 < text.count {
      let (kind, length) = classes.classify(start + 1, text)
      if kind != .space { return classes.run(of: kind, from: start + 1 + length, text) }
    }
    return kind == .space ? space(start, length, text) : classes.run(of: kind, from: start + length, text)
  }

  /// White space gives its last character to the word that follows, where there is one.
  private func space(_ start: Int, _ length: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
    var last = start
    var end = start + length
    while end < text.count {
      let (kind, length) = classes.classify(end, text)
      guard kind == .space else { return last == start ? end : last }
      last = end
      end += length
    }
    return end
  }

  private func contraction(_ start: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int? {
    guard start + 1 < text.count else { return nil }
    let second = start + 2 < text.count ? text[start + 2] : 0
    switch (text[start + 1], second) {
    case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _), (UInt8(ascii: "d"), _):
      return start + 2
    case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
      (UInt8(ascii: "l"), UInt8(ascii: "l")):
      return start + 3
    default: return nil
    }
  }
}
