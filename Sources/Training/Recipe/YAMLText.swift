import Yams

/// Reads YAML text into nodes, refusing what a recipe has no use for and a hostile file could hurt with: anchors and
/// aliases (a few lines of them expand to gigabytes), deep nesting, more than one document, files beyond a bound.
enum YAMLText {
  static let sizeLimit = 1 << 18
  static let depthLimit = 24

  /// - Parameter name: the file's name, for messages.
  /// - Returns: nil for text without a document.
  /// - Throws: `TrainingError.malformedYAML`.
  static func parse(_ text: String, name: String) throws(TrainingError) -> YAMLNode? {
    guard text.utf8.count <= sizeLimit else {
      throw .malformedYAML(location: name, reason: "\(text.utf8.count) bytes, expected \(sizeLimit) at most")
    }
    if let line = firstLineWithAnchor(text) {
      throw .malformedYAML(
        location: "\(name):\(line)",
        reason: "anchors (&name) are not supported; put text that begins with & in quotes, with a blank after the &")
    }
    do {
      guard let root = try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot() else { return nil }
      return try convert(root, name: name, depth: 0)
    } catch let error as TrainingError {
      throw error
    } catch let error as YamlError {
      throw malformed(error, name: name)
    } catch {
      throw .malformedYAML(location: name, reason: "not YAML: \(error)")
    }
  }

  private static func convert(_ node: Node, name: String, depth: Int) throws -> YAMLNode {
    let location = node.mark.map { "\(name):\($0.line)" } ?? name
    guard depth <= depthLimit else {
      throw TrainingError.malformedYAML(location: location, reason: "nested deeper than \(depthLimit) levels")
    }
    switch node {
    case .scalar(let scalar):
      let isQuoted = scalar.style != .plain && scalar.style != .any
      return YAMLNode(value: .scalar(scalar.string, isQuoted: isQuoted), location: location)
    case .sequence(let sequence):
      return YAMLNode(
        value: .sequence(try sequence.map { try convert($0, name: name, depth: depth + 1) }), location: location)
    case .mapping(let mapping):
      var entries: [YAMLNode.Entry] = []
      for (key, value) in mapping {
        guard case .scalar(let scalar) = key else {
          throw TrainingError.malformedYAML(
            location: key.mark.map { "\(name):\($0.line)" } ?? location, reason: "a key must be a single word")
        }
        var converted = try convert(value, name: name, depth: depth + 1)
        // A key says better than its value where a setting is: the value may begin on the next line.
        if let mark = scalar.mark { converted.location = "\(name):\(mark.line)" }
        entries.append(YAMLNode.Entry(key: scalar.string, value: converted))
      }
      return YAMLNode(value: .mapping(entries), location: location)
    case .alias:
      throw TrainingError.malformedYAML(location: location, reason: "aliases (*name) are not supported")
    }
  }

  private static func malformed(_ error: YamlError, name: String) -> TrainingError {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let isAlias = problem.contains("alias") || context?.text.contains("alias") == true
      let reason =
        isAlias
        ? "aliases (*name) are not supported; put a pattern that begins with * in quotes" : "not YAML: \(problem)"
      return .malformedYAML(location: "\(name):\(mark.line)", reason: reason)
    case .duplicatedKeysInMapping(let duplicates, let context):
      return .malformedYAML(
        location: "\(name):\(context.mark.line)",
        reason: "key \(duplicates.map { "'\($0)'" }.joined(separator: ", ")) is given twice in this section")
    case .reader(let problem, _, _, _): return .malformedYAML(location: name, reason: "not YAML: \(problem)")
    default: return .malformedYAML(location: name, reason: "not YAML")
    }
  }

  /// The first line that may define an anchor. The composer expands aliases while it reads, so this has to be known
  /// before it runs, without a parser: a line is cut at a comment only if it has no quotes (then the `#` is a comment,
  /// or the whole line is inside a scalar), and what is left may not have `&name` at the beginning of a word.
  private static func firstLineWithAnchor(_ text: String) -> Int? {
    // libyaml's line breaks.
    let lines = text.unicodeScalars.split(omittingEmptySubsequences: false) {
      ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"].contains($0)
    }
    guard let line = lines.first(where: definesAnchor) else { return nil }
    return text.unicodeScalars[..<line.startIndex].count { $0 == "\n" } + 1
  }

  private static func definesAnchor(_ line: Substring.UnicodeScalarView) -> Bool {
    let hasQuotes = line.contains { $0 == "'" || $0 == "\"" }
    var previous: Unicode.Scalar = " "
    var iterator = line.makeIterator()
    var current = iterator.next()
    while let scalar = current {
      let next = iterator.next()
      if scalar == "#", !hasQuotes, previous == " " || previous == "\t" { return false }
      if scalar == "&", !isWord(previous), let next, isWord(next) { return true }
      previous = scalar
      current = next
    }
    return false
  }

  /// The letters of an anchor's name in libyaml.
  private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "_" || scalar == "-")
  }
}
