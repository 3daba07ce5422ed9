/// The text of every id.
struct Vocabulary: Sendable {
  private let text: [UInt8]
  /// Where the text of each id begins; one more than ids.
  private let starts: [Int]
  private let special: [Bool]
  /// Decoded text loses a space in front, which encoding has put there.
  let dropsFirstSpace: Bool

  /// The largest id, plus one.
  var count: Int { starts.count - 1 }

  /// - Parameters:
  ///   - tokens: by id, empty where an id has none.
  ///   - special: ids that may be left out of decoded text.
  init(_ tokens: [[UInt8]], special: [Int32], dropsFirstSpace: Bool) {
    var starts = [0]
    starts.reserveCapacity(tokens.count + 1)
    for token in tokens { starts.append(starts[starts.count - 1] + token.count) }
    self.starts = starts
    text = Array(tokens.joined())
    var isSpecial = [Bool](repeating: false, count: tokens.count)
    for id in special { isSpecial[Int(id)] = true }
    self.special = isSpecial
    self.dropsFirstSpace = dropsFirstSpace
  }

  /// Empty for an id that does not exist.
  func bytes(of id: Int32) -> ArraySlice<UInt8> {
    guard id >= 0, Int(id) < count else { return [] }
    return text[starts[Int(id)]..<starts[Int(id) + 1]]
  }

  func isSpecial(_ id: Int32) -> Bool { id >= 0 && Int(id) < count && special[Int(id)] }
}
