/// What an expression gives: a Python value, or something that only a template has.
enum Value {
  case python(PythonValue)
  case undefined(Undefined)
  case range(PythonRange)
  /// `d.keys()`, `d.values()` or `d.items()`, under its Python type's name.
  case view(String, [PythonValue])
  /// What `map`, `select` and the like give: it can be gone through once.
  case generator(Generator)
  /// Text that `tojson` or `safe` made: Jinja treats it unlike other text.
  case markup(String)
  case namespace(Namespace)
  case loop(LoopState)
  /// A method of a value.
  case method(PythonValue, String)
  case loopMethod(LoopState, String)
  case function(Function)

  static var none: Value { .python(.none) }
  static func string(_ value: String) -> Value { .python(.string(value)) }
  static func integer(_ value: Int) -> Value { .python(.integer(value)) }
  static func bool(_ value: Bool) -> Value { .python(.bool(value)) }
  static func list(_ values: [PythonValue]) -> Value { .python(.list(values)) }
}

/// The functions that every template has.
enum Function: String {
  case range, dict, namespace
}

/// A name or an item that is not there.
struct Undefined {
  let reason: String
  /// What `a if b` is without b: printed as nothing, and false. Everything else that is undefined is an error.
  var isEmpty = false

  var error: TemplateError { TemplateError(.undefined, reason) }
}

final class Generator {
  private var rest: ArraySlice<PythonValue>

  init(_ values: [PythonValue]) { rest = values[...] }

  func next() -> PythonValue? { rest.popFirst() }

  func takeAll() -> [PythonValue] {
    defer { rest = [] }
    return Array(rest)
  }
}

/// `namespace(…)`: its attributes can be set from within blocks.
final class Namespace {
  var attributes: [(name: String, value: Value)]

  init(_ attributes: [(name: String, value: Value)]) { self.attributes = attributes }
}

/// `loop` within a loop.
final class LoopState {
  let elements: [PythonValue]
  var index0 = 0
  /// What `loop.changed` was called with last.
  var lastChanged: [PythonValue]?

  init(_ elements: [PythonValue]) { self.elements = elements }
}

/// `range(start, stop, step)`
struct PythonRange: Equatable {
  let start: Int
  let step: Int
  let count: Int
  private let stop: Int

  init(start: Int, stop: Int, step: Int) throws(TemplateError) {
    guard step != 0 else { throw TemplateError(.value, "a range with the step 0") }
    let (distance, overflows) = stop.subtractingReportingOverflow(start)
    guard !overflows, step != .min else { throw PythonNumber.tooLarge }
    self.start = start
    self.step = step
    self.stop = stop
    self.count =
      (distance > 0) == (step > 0) && distance != 0 ? (distance.magnitude - 1).quotient(step.magnitude) + 1 : 0
  }

  subscript(index: Int) -> Int { start + index * step }

  func contains(_ value: PythonValue) -> Bool {
    let whole: Int? = if case .float(let value) = value { Int(exactly: value) } else { value.integer }
    guard let whole, count > 0 else { return false }
    let (low, high) = step > 0 ? (start, self[count - 1]) : (self[count - 1], start)
    // Within the range's ends, the distance cannot overflow.
    return whole >= low && whole <= high && (whole - start) % step == 0
  }

  var text: String { step == 1 ? "range(\(start), \(stop))" : "range(\(start), \(stop), \(step))" }

  static func == (a: PythonRange, b: PythonRange) -> Bool {
    a.count == b.count && (a.count == 0 || a.start == b.start && (a.count == 1 || a.step == b.step))
  }
}

extension UInt {
  fileprivate func quotient(_ divisor: UInt) -> Int { Int(self / divisor) }
}

extension Value {
  /// For errors.
  var typeName: String {
    switch self {
    case .python(let value): value.typeName
    case .undefined: "undefined value"
    case .range: "range"
    case .view(let name, _): name
    case .generator: "generator"
    case .markup: "HTML text"
    case .namespace: "namespace"
    case .loop: "loop"
    case .method, .loopMethod: "method"
    case .function: "function"
    }
  }

  /// The value, for what works on Python values only.
  /// - Throws: `TemplateError` for what is undefined, or is none.
  func python(for purpose: String) throws(TemplateError) -> PythonValue {
    switch self {
    case .python(let value): return value
    case .undefined(let undefined): throw undefined.error
    case .markup:
      throw TemplateError(.unsupported, "\(purpose): text from tojson or safe can only be printed or joined with ~")
    case .range, .view, .generator:
      throw TemplateError(.unsupported, "\(purpose): a \(typeName) must become a list first, by |list")
    default: throw TemplateError(.type, "\(purpose): a \(typeName) is no value")
    }
  }

  /// `bool(x)`
  var isTrue: Bool {
    get throws(TemplateError) {
      switch self {
      case .python(let value): return value.isTrue
      case .undefined(let undefined):
        guard undefined.isEmpty else { throw undefined.error }
        return false
      case .range(let range): return range.count > 0
      case .view(_, let values): return !values.isEmpty
      case .markup(let text): return !text.isEmpty
      default: return true
      }
    }
  }
}
