import Files

extension PythonValue {
  enum Order {
    case ascending, equal, descending
    /// A NaN is one of the two.
    case unordered

    func holds(for comparison: Comparison) -> Bool {
      switch comparison {
      case .less: self == .ascending
      case .lessOrEqual: self == .ascending || self == .equal
      case .greater: self == .descending
      case .greaterOrEqual: self == .descending || self == .equal
      }
    }
  }

  enum Comparison: String, Sendable {
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
  }

  /// What Python's `<`, `<=`, `>`, `>=` see: numbers with numbers, strings with strings, sequences of one type by their
  /// first difference.
  /// - Throws: `TemplateError` for values that have no order.
  func order(before other: PythonValue, for comparison: Comparison = .less) throws(TemplateError) -> Order {
    switch (self, other) {
    case (.string(let a), .string(let b)):
      if ExactString(a) == ExactString(b) { return .equal }
      return PythonString.precedes(a, b) ? .ascending : .descending
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      for (x, y) in zip(a, b) where x != y { return try x.order(before: y, for: comparison) }
      return PythonValue.order(a.count, b.count)
    case (.float(let a), .float(let b)):
      return PythonValue.order(a, b)
    case (.float(let a), _):
      if let b = other.integer { return PythonValue.order(b, withFloat: a).reversed }
    case (_, .float(let b)):
      if let a = integer { return PythonValue.order(a, withFloat: b) }
    default:
      if let a = integer, let b = other.integer { return PythonValue.order(a, b) }
    }
    throw TemplateError(
      .type, "'\(comparison.rawValue)' is not defined between \(typeName) and \(other.typeName)")
  }

  private static func order<Number: Comparable>(_ a: Number, _ b: Number) -> Order {
    a < b ? .ascending : a > b ? .descending : a == b ? .equal : .unordered
  }

  /// Exact, unlike a comparison of doubles.
  private static func order(_ a: Int, withFloat b: Double) -> Order {
    guard !b.isNaN else { return .unordered }
    guard let whole = Int(exactly: b.rounded(.towardZero)) else { return b > 0 ? .ascending : .descending }
    return a == whole ? order(0.0, b - b.rounded(.towardZero)) : order(a, whole)
  }
}

extension PythonValue.Order {
  fileprivate var reversed: PythonValue.Order {
    switch self {
    case .ascending: .descending
    case .descending: .ascending
    case .equal, .unordered: self
    }
  }
}

extension PythonValue {
  /// The positions of the keys in ascending order; those of equal keys stay in order, reversed or not.
  static func sortedPositions(_ keys: [PythonValue], reversed: Bool = false) throws(TemplateError) -> [Int] {
    var positions = Array(keys.indices)
    var merged = positions
    var width = 1
    while width < positions.count {
      for start in stride(from: 0, to: positions.count, by: 2 * width) {
        let middle = min(start + width, positions.count)
        let end = min(start + 2 * width, positions.count)
        var (left, right) = (start, middle)
        for target in start..<end {
          var takesRight = left == middle
          if left < middle, right < end {
            let (a, b) = (keys[positions[left]], keys[positions[right]])
            takesRight = try (reversed ? a.order(before: b) : b.order(before: a)) == .ascending
          }
          merged[target] = positions[takesRight ? right : left]
          if takesRight { right += 1 } else { left += 1 }
        }
      }
      swap(&positions, &merged)
      width *= 2
    }
    return positions
  }
}
