import Tokenization

/// Counts the words of a text: what no merge may cross when the tokenizer is in use.
enum WordCounter {
  static func count(_ text: String) -> [[UInt8]: Int] {
    var counts: [[UInt8]: Int] = [:]
    let pattern = GPT2Pattern()
    var text = text
    text.withUTF8 { utf8 in
      var start = 0
      while start < utf8.count {
        let end = pattern.end(of: start, in: utf8)
        counts[Array(utf8[start..<end]), default: 0] += 1
        start = end
      }
    }
    return counts
  }
}
