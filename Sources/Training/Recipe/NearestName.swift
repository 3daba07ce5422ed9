/// Which of a few names someone may have meant.
enum NearestName {
  /// The name that takes the fewest edits (a letter more, less or changed, two swapped), if they are few for its
  /// length.
  static func of(_ name: String, among names: [String]) -> String? {
    let distances = names.map { (name: $0, edits: edits(name, $0)) }
    guard let nearest = distances.min(by: { $0.edits < $1.edits }) else { return nil }
    return nearest.edits <= max(2, min(name.count, nearest.name.count) / 3) ? nearest.name : nil
  }

  /// Optimal string alignment distance.
  static func edits(_ first: String, _ second: String) -> Int {
    // A key is short; what is not is no misspelling.
    let a = Array(first.lowercased().prefix(64))
    let b = Array(second.lowercased().prefix(64))
    var rows = [[Int]](repeating: [Int](repeating: 0, count: b.count + 1), count: a.count + 1)
    for i in 0...a.count { rows[i][0] = i }
    for j in 0...b.count { rows[0][j] = j }
    for i in a.indices {
      for j in b.indices {
        var least = min(rows[i][j + 1] + 1, rows[i + 1][j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, rows[i - 1][j - 1] + 1) }
        rows[i + 1][j + 1] = least
      }
    }
    return rows[a.count][b.count]
  }
}
