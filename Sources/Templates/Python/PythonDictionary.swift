/// A Python `dict`: members in the order in which their keys were first set.
public struct PythonDictionary: Sendable {
  public typealias Member = (key: PythonValue, value: PythonValue)

  private var members: [Member] = []
  /// Where each key is, once there are so many that a search from the front would be slow.
  private var positions: [PythonValue: Int]?

  private static let searchLimit = 12

  public init() {}

  /// The value of a key. Setting a key that is there keeps its place, and the key as it was first written; setting nil
  /// removes it.
  public subscript(key: PythonValue) -> PythonValue? {
    get { position(of: key).map { members[$0].value } }
    set {
      let position = position(of: key)
      guard let newValue else {
        if let position { remove(at: position) }
        return
      }
      if let position { members[position].value = newValue } else { append(key, newValue) }
    }
  }

  public subscript(key: String) -> PythonValue? {
    get { self[.string(key)] }
    set { self[.string(key)] = newValue }
  }

  private mutating func append(_ key: PythonValue, _ value: PythonValue) {
    members.append((key, value))
    if positions != nil {
      positions?[key] = members.count - 1
    } else if members.count > PythonDictionary.searchLimit {
      indexMembers()
    }
  }

  private mutating func remove(at position: Int) {
    members.remove(at: position)
    if positions != nil { indexMembers() }
  }

  private mutating func indexMembers() {
    var positions: [PythonValue: Int] = [:]
    for (position, member) in members.enumerated() { positions[member.key] = position }
    self.positions = positions
  }

  private func position(of key: PythonValue) -> Int? {
    positions.map { $0[key] } ?? members.firstIndex { $0.key == key }
  }
}

extension PythonDictionary: RandomAccessCollection {
  public var startIndex: Int { 0 }
  public var endIndex: Int { members.count }
  public subscript(position: Int) -> Member { members[position] }
}

extension PythonDictionary: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (PythonValue, PythonValue)...) {
    for (key, value) in elements { self[key] = value }
  }
}

extension PythonDictionary: Hashable {
  /// The order of keys does not matter.
  public static func == (a: PythonDictionary, b: PythonDictionary) -> Bool {
    a.count == b.count && a.allSatisfy { b[$0.key] == $0.value }
  }

  public func hash(into hasher: inout Hasher) {
    var all = 0
    for member in members {
      var own = Hasher()
      own.combine(member.key)
      own.combine(member.value)
      all ^= own.finalize()
    }
    hasher.combine(all)
  }
}
