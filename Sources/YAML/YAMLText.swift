import Yams

/// Reads YAML text into nodes, refusing what a hostile file could hurt with: aliases (a few lines of them expand to
/// gigabytes), deep nesting, more than one document, files beyond a bound.
public enum YAMLText {
  /// Bytes of a text.
  public static let sizeLimit = 1 << 18
  /// Levels of lists and sections.
  public static let depthLimit = 24

  /// What is done with text that looks like an anchor, `&name`.
  public enum Anchors: Sendable {
    /// It is an error wherever it may be one.
    case refused
    /// It is an error if `*name` stands somewhere too: an anchor that nothing refers to, and text that only looks like
    /// one, do no harm.
    case allowedUnused
  }

  /// - Parameter name: the file's name, for messages.
  /// - Returns: nil for text without a document.
  public static func parse(_ text: String, name: String, anchors: Anchors = .refused) throws(YAMLError) -> YAMLNode? {
    guard text.utf8.count <= sizeLimit else {
      throw YAMLError(location: name, reason: "\(text.utf8.count) bytes, expected \(sizeLimit) at most")
    }
    if let line = AnchorScan(text).firstLine(anchors) {
      throw YAMLError(
        location: "\(name):\(line)",
        reason: "anchors (&name) are not supported; put text that begins with & in quotes, with a blank after the &")
    }
    do {
      guard let root = try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot() else { return nil }
      return try convert(root, name: name, depth: 0)
    } catch let error as YAMLError {
      throw error
    } catch let error as YamlError {
      throw malformed(error, name: name)
    } catch {
      throw YAMLError(location: name, reason: "not YAML: \(error)")
    }
  }

  private static func convert(_ node: Node, name: String, depth: Int) throws(YAMLError) -> YAMLNode {
    let location = node.mark.map { "\(name):\($0.line)" } ?? name
    guard depth <= depthLimit else {
      throw YAMLError(location: location, reason: "nested deeper than \(depthLimit) levels")
    }
    switch node {
    case .scalar(let scalar):
      let isQuoted = scalar.style != .plain && scalar.style != .any
      // Quotes alone make Yams say that it is a text.
      let tag = writtenTag(scalar.tag).flatMap { isQuoted && $0 == "tag:yaml.org,2002:str" ? nil : $0 }
      return YAMLNode(value: .scalar(scalar.string, isQuoted: isQuoted), location: location, tag: tag)
    case .sequence(let sequence):
      var elements: [YAMLNode] = []
      elements.reserveCapacity(sequence.count)
      for element in sequence { elements.append(try convert(element, name: name, depth: depth + 1)) }
      return YAMLNode(value: .sequence(elements), location: location, tag: writtenTag(sequence.tag))
    case .mapping(let mapping):
      var entries: [YAMLNode.Entry] = []
      entries.reserveCapacity(mapping.count)
      for (key, value) in mapping {
        guard case .scalar(let scalar) = key else {
          throw YAMLError(
            location: key.mark.map { "\(name):\($0.line)" } ?? location, reason: "a key must be a single word")
        }
        var converted = try convert(value, name: name, depth: depth + 1)
        // A key says better than its value where a setting is: the value may begin on the next line.
        if let mark = scalar.mark { converted.location = "\(name):\(mark.line)" }
        entries.append(YAMLNode.Entry(key: scalar.string, value: converted))
      }
      return YAMLNode(value: .mapping(entries), location: location, tag: writtenTag(mapping.tag))
    case .alias:
      throw YAMLError(location: location, reason: "aliases (*name) are not supported")
    }
  }

  /// Nil for the tags that stand for "none is written".
  private static func writtenTag(_ tag: Tag) -> String? {
    // A tag's name is not public; its description is.
    let name = tag.description
    return name.isEmpty || name == "!" ? nil : name
  }

  private static func malformed(_ error: YamlError, name: String) -> YAMLError {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let isAlias = problem.contains("alias") || context?.text.contains("alias") == true
      let reason =
        isAlias
        ? "aliases (*name) are not supported; put a pattern that begins with * in quotes" : "not YAML: \(problem)"
      return YAMLError(location: "\(name):\(mark.line)", reason: reason)
    case .duplicatedKeysInMapping(let duplicates, let context):
      return YAMLError(
        location: "\(name):\(context.mark.line)",
        reason: "key \(duplicates.map { "'\($0)'" }.joined(separator: ", ")) is given twice in this section")
    case .reader(let problem, _, _, _): return YAMLError(location: name, reason: "not YAML: \(problem)")
    default: return YAMLError(location: name, reason: "not YAML")
    }
  }
}
