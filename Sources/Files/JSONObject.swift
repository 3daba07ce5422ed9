/// The members of a JSON object, in the order in which they were first set. Keys are told apart by their bytes.
public struct JSONObject: Sendable {
  private var members: [(key: String, value: JSON)] = []
  /// Where each key is, once there are so many that a search from the front would be slow.
  private var positions: [ExactString: Int]?

  private static let searchLimit = 12

  public init() {}

  /// The value of a key. Setting a key that is there keeps its place; setting nil removes it.
  public subscript(key: String) -> JSON? {
    get { position(of: key).map { members[$0].value } }
    set {
      guard let newValue else {
        removeValue(forKey: key)
        return
      }
      if let position = position(of: key) { members[position].value = newValue } else { append(key, newValue) }
    }
  }

  @discardableResult
  public mutating func removeValue(forKey key: String) -> JSON? {
    guard let position = position(of: key) else { return nil }
    let value = members.remove(at: position).value
    if positions != nil { indexMembers() }
    return value
  }

  /// Appends, unless the key is there; returns whether it did.
  mutating func insert(_ key: String, _ value: JSON) -> Bool {
    guard position(of: key) == nil else { return false }
    append(key, value)
    return true
  }

  private mutating func append(_ key: String, _ value: JSON) {
    members.append((key, value))
    if positions != nil {
      positions?[ExactString(key)] = members.count - 1
    } else if members.count > JSONObject.searchLimit {
      indexMembers()
    }
  }

  private mutating func indexMembers() {
    var positions: [ExactString: Int] = [:]
    for (position, member) in members.enumerated() { positions[ExactString(member.key)] = position }
    self.positions = positions
  }

  private func position(of key: String) -> Int? {
    let key = ExactString(key)
    return positions.map { $0[key] } ?? members.firstIndex { ExactString($0.key) == key }
  }
}

extension JSONObject: RandomAccessCollection {
  public var startIndex: Int { 0 }
  public var endIndex: Int { members.count }
  public subscript(position: Int) -> (key: String, value: JSON) { members[position] }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, JSON)...) {
    for (key, value) in elements { self[key] = value }
  }
}

extension JSONObject: Equatable {
  /// The order of keys does not matter.
  public static func == (a: JSONObject, b: JSONObject) -> Bool {
    a.count == b.count && a.allSatisfy { b[$0.key] == $0.value }
  }
}
