/// A value of a YAML file, with the place where it is written.
public struct YAMLNode: Sendable {
  public enum Value: Sendable {
    /// The text of a scalar, and whether it stood in quotes or in a block (then it is a string, whatever it looks like).
    case scalar(String, isQuoted: Bool)
    case sequence([YAMLNode])
    case mapping([Entry])
  }

  public struct Entry: Sendable {
    public var key: String
    public var value: YAMLNode

    public init(key: String, value: YAMLNode) {
      self.key = key
      self.value = value
    }
  }

  public var value: Value
  /// `file:line`, or what stands for it where there is no file.
  public var location: String
  /// A tag that is written out, `!function` or `tag:yaml.org,2002:str`; nil where there is none.
  public var tag: String?

  public init(value: Value, location: String, tag: String? = nil) {
    self.value = value
    self.location = location
    self.tag = tag
  }

  /// An empty value, `null` or `~`: as if the key were not there.
  public var isNull: Bool {
    if case .scalar(let text, false) = value { return ["", "~", "null", "Null", "NULL"].contains(text) }
    return false
  }

  /// What it is, in words.
  public var kind: String {
    switch value {
    case .scalar(let text, let isQuoted):
      isNull ? "nothing" : isQuoted || Double(text) == nil ? "the text '\(text.prefix(60))'" : "the number \(text)"
    case .sequence: "a list"
    case .mapping: "a section of keys"
    }
  }
}
