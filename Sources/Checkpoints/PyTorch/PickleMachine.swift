/// Interprets a pickle over closed lists of opcodes and of names. Whatever is on neither ends it; nothing is looked up,
/// imported or called.
///
/// Every opcode, and every item that one copies, costs something, and there is a limit: neither time nor memory can grow
/// beyond it, however values are shared.
struct PickleMachine {
  /// About 30,000 tensors' worth.
  static let operationLimit = 1 << 21
  private static let newestProtocol: UInt8 = 5

  private var cursor: PickleCursor
  private let length: Int
  private var operationsLeft: Int
  private var stack: [PickleValue] = []
  /// Heights of the stack.
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  var items: [[PickleValue]] = []
  var storages: [PickleStorage] = []
  var tensors: [PickleTensor] = []
  /// Where the opcode that is being interpreted is.
  private(set) var position: Int

  private init(_ bytes: UnsafeRawBufferPointer, at start: Int, operations: Int) {
    operationsLeft = operations
    cursor = PickleCursor(bytes, at: start)
    length = bytes.count
    position = start
  }

  /// - Parameters:
  ///   - start: the first byte.
  ///   - operations: as many as it may take.
  static func run(
    _ bytes: UnsafeRawBufferPointer, at start: Int = 0, operations: Int = operationLimit
  ) throws(PyTorchFailure) -> Pickle {
    var machine = PickleMachine(bytes, at: start, operations: operations)
    return try machine.run()
  }

  private mutating func run() throws(PyTorchFailure) -> Pickle {
    while true {
      position = cursor.position
      try charge(1)
      let code = try cursor.byte()
      guard let opcode = PickleOpcode(rawValue: code) else {
        throw damaged("opcode 0x\(String(code, radix: 16)) is not one that a checkpoint needs")
      }
      if opcode == .stop { break }
      try interpret(opcode)
    }
    let root = try pop()
    guard stack.isEmpty, marks.isEmpty else { throw damaged("it ends with values left over") }
    return Pickle(root: root, items: items, storages: storages, tensors: tensors, end: cursor.position)
  }

  func damaged(_ reason: String) -> PyTorchFailure { .damaged("its pickle, at byte \(position): \(reason)") }

  mutating func charge(_ count: Int) throws(PyTorchFailure) {
    operationsLeft -= count
    guard operationsLeft >= 0 else {
      throw damaged("it says more than a checkpoint has to; save the state dictionary alone")
    }
  }

  private mutating func interpret(_ opcode: PickleOpcode) throws(PyTorchFailure) {
    switch opcode {
    case .proto:
      let version = try cursor.byte()
      guard version <= PickleMachine.newestProtocol else { throw damaged("protocol \(version), expected at most 5") }
    case .frame:
      guard try cursor.length() <= cursor.remaining else { throw damaged("a frame that is longer than the pickle") }
    case .stop: break
    case .mark: marks.append(stack.count)
    case .pop: _ = try pop()
    case .popMark: _ = try popToMark()

    case .none: stack.append(.none)
    case .newTrue: stack.append(.bool(true))
    case .newFalse: stack.append(.bool(false))
    case .int: stack.append(try decimal(try cursor.line()))
    case .binInt: stack.append(.integer(Int(try cursor.integer(Int32.self))))
    case .binInt1: stack.append(.integer(Int(try cursor.byte())))
    case .binInt2: stack.append(.integer(Int(try cursor.integer(UInt16.self))))
    case .long:
      let line = try cursor.line()
      stack.append(try decimal(line.hasSuffix("L") ? String(line.dropLast()) : line))
    case .long1: stack.append(PickleMachine.long(try cursor.take(Int(try cursor.byte()))))
    case .long4: stack.append(PickleMachine.long(try cursor.take(Int(try cursor.integer(Int32.self)))))
    case .binFloat: stack.append(.number(Double(bitPattern: try cursor.integer(UInt64.self).byteSwapped)))

    case .shortBinString: stack.append(try cursor.string(Int(try cursor.byte())))
    case .binString: stack.append(try cursor.string(Int(try cursor.integer(Int32.self))))
    case .shortBinBytes: stack.append(.bytes(Array(try cursor.take(Int(try cursor.byte())))))
    case .binBytes: stack.append(.bytes(Array(try cursor.take(Int(try cursor.integer(UInt32.self))))))
    case .binBytes8, .byteArray8: stack.append(.bytes(Array(try cursor.take(try cursor.length()))))
    case .shortBinUnicode: stack.append(.string(try cursor.text(Int(try cursor.byte()))))
    case .binUnicode: stack.append(.string(try cursor.text(Int(try cursor.integer(UInt32.self)))))
    case .binUnicode8: stack.append(.string(try cursor.text(try cursor.length())))

    case .emptyList: stack.append(.list(place([])))
    case .list: stack.append(.list(place(try popToMark())))
    case .append: try append([try pop()])
    case .appends: try append(try popToMark())
    case .emptyTuple: stack.append(.tuple(place([])))
    case .tuple: stack.append(.tuple(place(try popToMark())))
    case .tuple1: stack.append(.tuple(place(try pop(1))))
    case .tuple2: stack.append(.tuple(place(try pop(2))))
    case .tuple3: stack.append(.tuple(place(try pop(3))))
    case .emptyDict: stack.append(.dictionary(place([])))
    case .dict:
      let members = try popToMark()
      stack.append(.dictionary(place([])))
      try setItems(members)
    case .setItem: try setItems(try pop(2))
    case .setItems: try setItems(try popToMark())
    case .emptySet: stack.append(.opaque)
    case .frozenSet:
      _ = try popToMark()
      stack.append(.opaque)
    case .addItems:
      _ = try popToMark()
      guard case .opaque = try top() else { throw damaged("items are added to what is no set") }

    case .binGet: try recall(Int(try cursor.byte()))
    case .longBinGet: try recall(Int(try cursor.integer(UInt32.self)))
    case .binPut: try memorize(Int(try cursor.byte()))
    case .longBinPut: try memorize(Int(try cursor.integer(UInt32.self)))
    case .memoize: try memorize(memo.count)

    case .global:
      let module = try cursor.line()
      stack.append(try global(module: module, name: try cursor.line()))
    case .stackGlobal:
      let names = try pop(2)
      guard case .string(let module) = names[0], case .string(let name) = names[1] else {
        throw damaged("a name that is no text")
      }
      stack.append(try global(module: module, name: name))
    case .reduce:
      let call = try pop(2)
      stack.append(try self.call(call[0], arguments: call[1]))
    case .newObject:
      let call = try pop(2)
      stack.append(try make(call[0], arguments: call[1]))
    case .build:
      let state = try pop()
      try build(try top(), state: state)
    case .binPersistentID:
      let id = try pop()
      stack.append(try storage(id))
    }
  }

  private func global(module: String, name: String) throws(PyTorchFailure) -> PickleValue {
    guard let global = PickleGlobal(module: module, name: name) else {
      throw .refused(name: shown("\(module).\(name)"), position: position)
    }
    return .global(global)
  }

  // MARK: The stack and the memo

  /// Values below a mark belong to who set it.
  private func top() throws(PyTorchFailure) -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.last else {
      throw damaged("it takes a value that is not there")
    }
    return value
  }

  private mutating func pop() throws(PyTorchFailure) -> PickleValue {
    let value = try top()
    stack.removeLast()
    return value
  }

  private mutating func pop(_ count: Int) throws(PyTorchFailure) -> [PickleValue] {
    guard stack.count - (marks.last ?? 0) >= count else { throw damaged("it takes values that are not there") }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  private mutating func popToMark() throws(PyTorchFailure) -> [PickleValue] {
    guard let height = marks.popLast() else { throw damaged("it goes back to a mark that is not there") }
    defer { stack.removeSubrange(height...) }
    return Array(stack[height...])
  }

  private mutating func recall(_ number: Int) throws(PyTorchFailure) {
    guard let value = memo[number] else { throw damaged("it takes entry \(number) of its memo, which is not there") }
    stack.append(value)
  }

  private mutating func memorize(_ number: Int) throws(PyTorchFailure) {
    guard number <= length else { throw damaged("it numbers more values than it has bytes") }
    try charge(1)
    memo[number] = try top()
  }

  // MARK: Containers

  mutating func place(_ values: [PickleValue]) -> Int {
    items.append(values)
    return items.count - 1
  }

  private mutating func append(_ values: [PickleValue]) throws(PyTorchFailure) {
    switch try top() {
    case .list(let place): items[place] += values
    case .opaque: break
    default: throw damaged("it appends to what is no list")
    }
  }

  private mutating func setItems(_ members: [PickleValue]) throws(PyTorchFailure) {
    guard members.count.isMultiple(of: 2) else { throw damaged("a key without a value") }
    for index in stride(from: 0, to: members.count, by: 2) {
      switch members[index] {
      case .list, .dictionary: throw damaged("a key that is no key: a list or a dictionary")
      default: break
      }
    }
    switch try top() {
    case .dictionary(let place): items[place] += members
    case .opaque: break
    default: throw damaged("it sets items of what is no dictionary")
    }
  }

  // MARK: Numbers

  private func decimal(_ text: String) throws(PyTorchFailure) -> PickleValue {
    if text == "00" { return .bool(false) }
    if text == "01" { return .bool(true) }
    guard let value = Int(text) else { throw damaged("\(quoted(text)) is no whole number of 64 bits") }
    return .integer(value)
  }

  /// Two's complement, little-endian, of any length.
  private static func long(_ bytes: UnsafeRawBufferPointer) -> PickleValue {
    guard let last = bytes.last else { return .integer(0) }
    let sign: UInt8 = last & 0x80 == 0 ? 0 : 0xFF
    var value = UInt64(bitPattern: sign == 0 ? 0 : -1)
    for (index, byte) in bytes.prefix(8).enumerated() {
      value = value & ~(0xFF << (8 * UInt64(index))) | UInt64(byte) << (8 * UInt64(index))
    }
    let fits = bytes.dropFirst(8).allSatisfy { $0 == sign } && (bytes.count < 8 || (bytes[7] ^ sign) & 0x80 == 0)
    return fits ? .integer(Int(Int64(bitPattern: value))) : .long(Array(bytes))
  }
}
