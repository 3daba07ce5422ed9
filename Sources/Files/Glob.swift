/// A shell pattern as Python's `fnmatch` reads it: `*`, `?`, `[abc]`, `[!abc]`, ranges.
public struct Glob: Sendable {
  private enum Part: Sendable {
    case any, run
    case set([ClosedRange<Unicode.Scalar>], negated: Bool)
    case scalar(Unicode.Scalar)
  }
  private let parts: [Part]

  public init(_ pattern: String) {
    var parts: [Part] = []
    var rest = pattern.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      switch scalar {
      case "*": parts.append(.run)
      case "?": parts.append(.any)
      case "[":
        if let (set, remainder) = Self.set(rest) {
          parts.append(set)
          rest = remainder
        } else {
          parts.append(.scalar(scalar))
        }
      default: parts.append(.scalar(scalar))
      }
    }
    self.parts = parts
  }

  /// The set after "[" and what follows its "]", or nil if it is not closed. A "]" that comes first is a member.
  private static func set(
    _ text: Substring.UnicodeScalarView
  ) -> (Part, Substring.UnicodeScalarView)? {
    var body = text
    let negated = body.first == "!"
    if negated { body.removeFirst() }
    guard !body.isEmpty, let close = body[body.index(after: body.startIndex)...].firstIndex(of: "]") else { return nil }
    var ranges: [ClosedRange<Unicode.Scalar>] = []
    let members = Array(body[..<close])
    var index = 0
    while index < members.count {
      if index + 2 < members.count, members[index + 1] == "-" {
        if members[index] <= members[index + 2] { ranges.append(members[index]...members[index + 2]) }
        index += 3
      } else {
        ranges.append(members[index]...members[index])
        index += 1
      }
    }
    return (.set(ranges, negated: negated), body[body.index(after: close)...])
  }

  /// Whether the whole name matches. Goes back to the last `*` only, so the time is at most pattern × name.
  public func matches(_ name: String) -> Bool {
    let name = Array(name.unicodeScalars)
    var part = 0
    var position = 0
    var retry: (part: Int, position: Int)?
    while position < name.count {
      if part < parts.count, case .run = parts[part] {
        retry = (part + 1, position)
        part += 1
      } else if part < parts.count, one(parts[part], name[position]) {
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

  private func one(_ part: Part, _ scalar: Unicode.Scalar) -> Bool {
    switch part {
    case .any: true
    case .run: false
    case .scalar(let expected): expected == scalar
    case .set(let ranges, let negated): ranges.contains { $0.contains(scalar) } != negated
    }
  }
}
