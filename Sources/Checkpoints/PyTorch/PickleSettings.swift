import Files

/// A pickle's plain values as JSON. What is not plain is left out; so is whatever would be too much of it, however
/// little room it takes in the pickle.
struct PickleSettings {
  private static let mostDepth = 32
  /// Of texts, and 16 for each value: more than any configuration.
  private static let mostBytes = 1 << 20

  private let pickle: Pickle
  private var bytesLeft = mostBytes
  /// Set by tensors, and by what is nested too deeply or in itself.
  private var isNoSetting = false

  init(_ pickle: Pickle) { self.pickle = pickle }

  /// Nil when nothing of it is plain, and when it holds tensors: then it is no setting, but an optimizer's state.
  mutating func json(_ value: PickleValue) -> JSON? {
    isNoSetting = false
    let json = json(value, depth: 0)
    return isNoSetting || bytesLeft < 0 ? nil : json
  }

  private mutating func json(_ value: PickleValue, depth: Int) -> JSON? {
    bytesLeft -= 16
    if depth > PickleSettings.mostDepth { isNoSetting = true }
    guard bytesLeft >= 0, !isNoSetting else { return nil }
    switch value {
    case .none: return .null
    case .bool(let value): return .bool(value)
    case .integer(let value): return .integer(Int64(value))
    // JSON has neither infinities nor NaN.
    case .number(let value): return value.isFinite ? .number(value) : nil
    case .string(let value):
      bytesLeft -= value.utf8.count
      return .string(value)
    case .global(.elementType(let name)): return .string("torch.\(name)")
    case .list(let place), .tuple(let place):
      var values: [JSON] = []
      for item in pickle.items[place] {
        guard let value = json(item, depth: depth + 1) else { return nil }
        values.append(value)
      }
      return .array(values)
    case .dictionary(let place), .namespace(let place):
      let items = pickle.items[place]
      bytesLeft -= items.count
      var object = JSONObject()
      for index in stride(from: 0, to: items.count, by: 2) {
        guard bytesLeft >= 0, let key = key(items[index]) else { continue }
        if let value = json(items[index + 1], depth: depth + 1) { object[key] = value }
      }
      return .object(object)
    case .tensor, .storage:
      isNoSetting = true
      return nil
    case .long, .bytes, .global, .numpyType, .opaque: return nil
    }
  }

  private mutating func key(_ value: PickleValue) -> String? {
    switch value {
    case .string(let text):
      bytesLeft -= text.utf8.count
      return text
    case .integer(let number): return String(number)
    default: return nil
    }
  }
}
