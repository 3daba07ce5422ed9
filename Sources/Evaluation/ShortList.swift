extension [String] {
  /// The first three names, and how many follow.
  var shortList: String {
    prefix(3).joined(separator: ", ") + (count > 3 ? " and \(count - 3) more" : "")
  }
}
