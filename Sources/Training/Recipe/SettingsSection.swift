import Datasets
import YAML

/// One section of a recipe while it is being read: hands out typed values, and remembers which keys were asked for, so
/// that every other key is an error.
final class SettingsSection {
  /// What all sections of one recipe share.
  final class Book {
    let source: String
    /// Every key that was asked for: `schedule.learning_rate`.
    fileprivate var known: [(section: String, key: String)] = []
    fileprivate var sections: [SettingsSection] = []
    fileprivate var missing: [TrainingError] = []

    init(source: String) { self.source = source }

    /// Throws for the first key of the recipe that nothing asked for, with the nearest that something did; then, since
    /// a misspelt key explains a missing one, for the first that is missing.
    func check() throws(TrainingError) {
      for section in sections {
        for entry in section.entries where !section.isKnown(entry.key) {
          throw unknown(entry.key, entry.value, section)
        }
      }
      if let first = missing.first { throw first }
    }

    private func unknown(_ key: String, _ node: YAMLNode, _ section: SettingsSection) -> TrainingError {
      let here = known.filter { $0.section == section.path }.map(\.key)
      let elsewhere = known.first { $0.section != section.path && $0.key == key }
      let suggestion =
        NearestName.of(key, among: here) ?? elsewhere.map { SettingsSection.join($0.section, $0.key) }
      return .unknownKey(
        location: node.location, key: SettingsSection.join(section.path, key), suggestion: suggestion,
        known: here.sorted())
    }
  }

  let path: String
  let location: String
  private let book: Book
  private let entries: [YAMLNode.Entry]

  init(root: YAMLNode, book: Book) throws(TrainingError) {
    path = ""
    location = root.location
    self.book = book
    guard case .mapping(let entries) = root.value else {
      throw .wrongType(location: root.location, key: "recipe", expected: "sections of keys", found: root.kind)
    }
    self.entries = entries
    book.sections.append(self)
  }

  private init(path: String, node: YAMLNode, entries: [YAMLNode.Entry], book: Book) {
    self.path = path
    location = node.location
    self.entries = entries
    self.book = book
    book.sections.append(self)
  }

  private static func join(_ section: String, _ key: String) -> String { section.isEmpty ? key : "\(section).\(key)" }

  private func isKnown(_ key: String) -> Bool { book.known.contains { $0.section == path && $0.key == key } }

  /// The value under `key`, nil when it is absent or null.
  func node(_ key: String) -> YAMLNode? {
    if !isKnown(key) { book.known.append((path, key)) }
    guard let node = entries.first(where: { $0.key == key })?.value, !node.isNull else { return nil }
    return node
  }

  /// The keys under `key`; without entries when it is absent.
  func section(_ key: String) throws(TrainingError) -> SettingsSection {
    try optionalSection(key)
      ?? SettingsSection(
        path: SettingsSection.join(path, key), node: YAMLNode(value: .mapping([]), location: location), entries: [],
        book: book)
  }

  func optionalSection(_ key: String) throws(TrainingError) -> SettingsSection? {
    guard let node = node(key) else { return nil }
    return try section(of: node, key)
  }

  /// A section that is an element of the list under `key`.
  func section(of node: YAMLNode, _ key: String) throws(TrainingError) -> SettingsSection {
    guard case .mapping(let entries) = node.value else { throw wrong(node, key, "a section of keys") }
    return SettingsSection(path: SettingsSection.join(path, key), node: node, entries: entries, book: book)
  }

  /// The elements of the list under `key`; a single value counts as a list of one.
  func list(_ key: String) -> [YAMLNode]? {
    guard let node = node(key) else { return nil }
    if case .sequence(let elements) = node.value { return elements }
    return [node]
  }

  /// `value`, the setting under `key`; when it is nil, `Book.check` throws.
  func required<Value>(_ key: String, _ value: Value?, _ expected: String) -> Value? {
    if value == nil {
      book.missing.append(
        .missingSetting(source: location, key: SettingsSection.join(path, key), expected: expected))
    }
    return value
  }

  // MARK: Scalars

  func string(_ key: String) throws(TrainingError) -> String? {
    guard let node = node(key) else { return nil }
    return try string(of: node, key)
  }

  func string(of node: YAMLNode, _ key: String) throws(TrainingError) -> String {
    guard case .scalar(let text, _) = node.value, !text.isEmpty else { throw wrong(node, key, "a text") }
    return text
  }

  func strings(_ key: String) throws(TrainingError) -> [String]? {
    guard let list = list(key) else { return nil }
    var texts: [String] = []
    for node in list { texts.append(try string(of: node, key)) }
    return texts
  }

  /// A whole number, 0 or more; also as people write large ones: `100k`, `1B`, `1_000_000`, `1e9`.
  func count(_ key: String) throws(TrainingError) -> Int? {
    guard let node = node(key) else { return nil }
    guard case .scalar(let text, false) = node.value, let value = TokenCount.parse(text) else {
      throw wrong(node, key, "a whole number, 0 or more")
    }
    return value
  }

  func number(_ key: String) throws(TrainingError) -> Double? {
    guard let node = node(key) else { return nil }
    return try number(of: node, key)
  }

  private func number(of node: YAMLNode, _ key: String) throws(TrainingError) -> Double {
    guard case .scalar(let text, false) = node.value, let value = SettingsSection.number(text) else {
      throw wrong(node, key, "a number")
    }
    return value
  }

  /// Numbers by names that are not keys of the recipe.
  func numbers(_ key: String) throws(TrainingError) -> [String: Double] {
    guard let node = node(key) else { return [:] }
    guard case .mapping(let entries) = node.value else { throw wrong(node, key, "names with a number each") }
    var numbers: [String: Double] = [:]
    for entry in entries { numbers[entry.key] = try number(of: entry.value, "\(key).\(entry.key)") }
    return numbers
  }

  func bool(_ key: String) throws(TrainingError) -> Bool? {
    guard let node = node(key) else { return nil }
    guard case .scalar(let text, false) = node.value, let value = SettingsSection.bool(text) else {
      throw wrong(node, key, "true or false")
    }
    return value
  }

  func choice<Choice: RawRepresentable<String> & CaseIterable>(_ key: String) throws(TrainingError) -> Choice? {
    guard let node = node(key) else { return nil }
    guard case .scalar(let text, _) = node.value, let choice = Choice(rawValue: text) else {
      throw wrong(node, key, "one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return choice
  }

  /// A finite decimal number; Swift's own parser also takes hexadecimal ones, infinities and NaN.
  static func number(_ text: String) -> Double? {
    guard text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }), let value = Double(text), value.isFinite else {
      return nil
    }
    return value
  }

  /// YAML 1.2's booleans: `yes` and `off` are texts.
  static func bool(_ text: String) -> Bool? {
    switch text {
    case "true", "True", "TRUE": true
    case "false", "False", "FALSE": false
    default: nil
    }
  }

  func wrong(_ node: YAMLNode, _ key: String, _ expected: String) -> TrainingError {
    .wrongType(location: node.location, key: SettingsSection.join(path, key), expected: expected, found: node.kind)
  }
}
