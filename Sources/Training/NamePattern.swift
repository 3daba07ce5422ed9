/// A glob over tensor names: `*` is any run of characters, `?` any one, `[0-3]` and `[!x]` one of a set.
struct NamePattern {
  private enum Part {
    case run, any
    case one(UInt8)
    case set([ClosedRange<UInt8>], isNegated: Bool)
  }
  private let parts: [Part]

  init(_ pattern: String) {
    var parts: [Part] = []
    var rest = Array(pattern.utf8)[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "*"): parts.append(.run)
      case UInt8(ascii: "?"): parts.append(.any)
      case UInt8(ascii: "["):
        // Without its end it is a bracket.
        if let set = NamePattern.set(&rest) { parts.append(set) } else { parts.append(.one(byte)) }
      default: parts.append(.one(byte))
      }
    }
    self.parts = parts
  }

  /// The set whose "[" was just read; "]" in the first place is a member.
  private static func set(_ rest: inout ArraySlice<UInt8>) -> Part? {
    var members = rest
    let isNegated = members.first == UInt8(ascii: "!")
    if isNegated { members.removeFirst() }
    guard let end = members.dropFirst().firstIndex(of: UInt8(ascii: "]")) else { return nil }
    rest = rest[(end + 1)...]
    members = members[..<end]
    var ranges: [ClosedRange<UInt8>] = []
    while let low = members.popFirst() {
      if members.count >= 2, members.first == UInt8(ascii: "-") {
        let high = members[members.startIndex + 1]
        members = members.dropFirst(2)
        if low <= high { ranges.append(low...high) }
      } else {
        ranges.append(low...low)
      }
    }
    return .set(ranges, isNegated: isNegated)
  }

  /// Whether the whole name matches. Goes back to the last `*` only, so the time is at most pattern × name.
  func matches(_ name: String) -> Bool {
    let name = Array(name.utf8)
    var part = 0
    var position = 0
    var retry: (part: Int, position: Int)?
    while position < name.count {
      if part < parts.count, case .run = parts[part] {
        part += 1
        retry = (part, position)
      } else if part < parts.count, matches(parts[part], name[position]) {
        part += 1
        position += 1
      } else if let (nextPart, nextPosition) = retry {
        retry = (nextPart, nextPosition + 1)
        part = nextPart
        position = nextPosition + 1
      } else {
        return false
      }
    }
    return parts[part...].allSatisfy { if case .run = $0 { true } else { false } }
  }

  private func matches(_ part: Part, _ byte: UInt8) -> Bool {
    switch part {
    case .run: false
    case .any: true
    case .one(let expected): byte == expected
    case .set(let ranges, let isNegated): ranges.contains { $0.contains(byte) } != isNegated
    }
  }
}
