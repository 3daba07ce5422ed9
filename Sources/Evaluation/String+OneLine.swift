extension String {
  /// The text with control characters written out: what a file says must not break a line or command the terminal.
  var oneLine: String {
    guard unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return self }
    var line = ""
    for scalar in unicodeScalars {
      line += scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
    }
    return line
  }
}
