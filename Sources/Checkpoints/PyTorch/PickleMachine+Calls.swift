/// What stands for Python's calls: the constructors of `PickleGlobal`.
extension PickleMachine {
  /// PyTorch's limit.
  private static let mostDimensions = 64

  /// REDUCE.
  mutating func call(_ function: PickleValue, arguments: PickleValue) throws(PyTorchFailure) -> PickleValue {
    guard case .global(let function) = function else { throw damaged("it calls what is no function") }
    guard case .tuple(let place) = arguments else { throw damaged("a call without a tuple of arguments") }
    let arguments = items[place]
    try charge(arguments.count)
    switch function {
    case .dictionary: return .dictionary(self.place(try pairs(arguments)))
    case .namespace: return .namespace(self.place([]))
    case .rebuildTensor: return try tensor(arguments, counts: 4...4)
    case .rebuildTensorV2: return try tensor(arguments, counts: 6...7)
    case .rebuildTensorV3: return try tensor(arguments, counts: 7...8, type: arguments.dropFirst(6).first)
    case .rebuildParameter: return try parameter(arguments)
    case .rebuildFromType:
      guard arguments.count == 4, case .global(let maker) = arguments[0] else { throw wrongArguments("a tensor") }
      switch maker {
      case .rebuildTensor, .rebuildTensorV2, .rebuildTensorV3, .rebuildParameter:
        return try call(arguments[0], arguments: arguments[2])
      default: throw wrongArguments("a tensor")
      }
    case .size:
      guard arguments.count == 1 else { throw wrongArguments("torch.Size") }
      return arguments[0]
    case .device: return .string(try text(arguments, separator: ":"))
    case .path: return .string(try text(arguments, separator: "/"))
    case .encode: return try encode(arguments)
    case .numpyType:
      guard case .string(let code)? = arguments.first else { throw wrongArguments("numpy.dtype") }
      return .numpyType(code)
    case .numpyScalar: return try numpyScalar(arguments)
    case .inert: return .opaque
    case .storage, .elementType: throw damaged("it calls what is no function")
    }
  }

  /// NEWOBJ: an object without a call of its class.
  mutating func make(_ type: PickleValue, arguments: PickleValue) throws(PyTorchFailure) -> PickleValue {
    guard case .tuple = arguments, case .global(let global) = type else { throw damaged("an object without a class") }
    switch global {
    case .dictionary: return .dictionary(place([]))
    case .namespace: return .namespace(place([]))
    case .size, .inert: return try call(type, arguments: arguments)
    default: throw damaged("an object of what is no class")
    }
  }

  /// BUILD: attributes. Only those of a namespace say anything; a state dictionary's `_metadata` are versions of modules.
  mutating func build(_ object: PickleValue, state: PickleValue) throws(PyTorchFailure) {
    switch object {
    case .namespace(let place):
      guard case .dictionary(let attributes) = state else { throw damaged("attributes that are no dictionary") }
      try charge(items[attributes].count)
      items[place] += items[attributes]
    case .dictionary, .tensor, .opaque: break
    case .numpyType:
      // (version, byte order, …)
      if case .tuple(let place) = state, items[place].count > 1, case .string(">") = items[place][1] {
        throw damaged("a big-endian number")
      }
    default: throw damaged("attributes of what has none")
    }
  }

  private func wrongArguments(_ what: String) -> PyTorchFailure { damaged("wrong arguments for \(what)") }

  /// Of OrderedDict, as Python 2 writes it: one list of pairs.
  private mutating func pairs(_ arguments: [PickleValue]) throws(PyTorchFailure) -> [PickleValue] {
    guard let list = arguments.first else { return [] }
    guard arguments.count == 1, case .list(let place) = list else { throw wrongArguments("a dictionary") }
    var members: [PickleValue] = []
    for pair in items[place] {
      switch pair {
      case .list(let place), .tuple(let place):
        guard items[place].count == 2 else { throw wrongArguments("a dictionary") }
        try charge(2)
        members += items[place]
      default: throw wrongArguments("a dictionary")
      }
    }
    return members
  }

  // MARK: Tensors

  /// BINPERSID: ("storage", class, key, device, elements), and in the legacy form a part, (key, offset, elements) or None.
  mutating func storage(_ id: PickleValue) throws(PyTorchFailure) -> PickleValue {
    let wrong = damaged("a persistent id that names no storage")
    guard case .tuple(let place) = id else { throw wrong }
    let parts = items[place]
    guard (5...6).contains(parts.count), case .string("storage") = parts[0],
      case .global(.storage(let type)) = parts[1], case .string(let key) = parts[2], case .string = parts[3],
      case .integer(let count) = parts[4]
    else { throw wrong }
    guard count >= 0 else { throw damaged("a storage of \(count) elements") }
    var view: Range<Int>?
    if parts.count == 6, case .tuple(let place) = parts[5] {
      let parts = items[place]
      guard parts.count == 3, case .integer(let offset) = parts[1], case .integer(let size) = parts[2], offset >= 0,
        size >= 0, offset <= count, size <= count - offset
      else { throw damaged("a part of a storage that is not in it") }
      view = offset..<offset + size
    }
    storages.append(PickleStorage(type: type, key: key, count: count, view: view))
    return .storage(storages.count - 1)
  }

  /// (storage, offset, size, stride, requires_grad, hooks); v2 may end with metadata, v3 has the element type before them.
  private mutating func tensor(
    _ arguments: [PickleValue], counts: ClosedRange<Int>, type: PickleValue? = nil
  ) throws(PyTorchFailure) -> PickleValue {
    guard counts.contains(arguments.count), case .storage(let storage) = arguments[0],
      case .integer(let offset) = arguments[1]
    else { throw wrongArguments("a tensor") }
    let sizes = try integers(arguments[2])
    let strides = try integers(arguments[3])
    if arguments.count > 4, arguments.count == counts.upperBound, case .dictionary(let place)? = arguments.last,
      !items[place].isEmpty
    {
      throw damaged("a tensor that is a conjugated or negated view; save a copy of it (resolve_conj, resolve_neg)")
    }
    guard let type = try elementType(type, storages[storage]) else {
      throw damaged("a tensor of elements that cannot be read; expected numbers of at most 8 bytes")
    }
    // What is kept of it is as large as many values.
    try charge(16)
    tensors.append(PickleTensor(storage: storage, type: type, offset: offset, sizes: sizes, strides: strides))
    return .tensor(tensors.count - 1)
  }

  private func elementType(
    _ named: PickleValue?, _ storage: PickleStorage
  ) throws(PyTorchFailure) -> ElementType? {
    guard let named else { return storage.type }
    guard case .global(.elementType(let name)) = named else { throw wrongArguments("a tensor") }
    return ElementType.allCases.first { $0.torchName == name }
  }

  private mutating func integers(_ value: PickleValue) throws(PyTorchFailure) -> [Int] {
    guard case .tuple(let place) = value else { throw wrongArguments("a tensor") }
    let values = items[place]
    guard values.count <= PickleMachine.mostDimensions else {
      throw damaged("a tensor of \(values.count) dimensions, expected at most \(PickleMachine.mostDimensions)")
    }
    try charge(values.count)
    var integers: [Int] = []
    for value in values {
      guard case .integer(let integer) = value else { throw wrongArguments("a tensor") }
      integers.append(integer)
    }
    return integers
  }

  /// (tensor, requires_grad, hooks) and possibly a state.
  private func parameter(_ arguments: [PickleValue]) throws(PyTorchFailure) -> PickleValue {
    guard (3...4).contains(arguments.count), case .tensor = arguments[0] else { throw wrongArguments("a parameter") }
    return arguments[0]
  }

  // MARK: Plain values

  private mutating func text(_ arguments: [PickleValue], separator: String) throws(PyTorchFailure) -> String {
    var parts: [String] = []
    for argument in arguments {
      switch argument {
      case .string(let text):
        try charge(1 + text.utf8.count / 16)
        parts.append(text)
      case .integer(let number): parts.append(String(number))
      default: throw damaged("a path or a device that is no text")
      }
    }
    return parts.first == "/"
      ? "/" + parts.dropFirst().joined(separator: separator) : parts.joined(separator: separator)
  }

  /// (text, "latin1"): a byte for each scalar.
  private mutating func encode(_ arguments: [PickleValue]) throws(PyTorchFailure) -> PickleValue {
    guard arguments.count == 2, case .string(let text) = arguments[0], case .string("latin1") = arguments[1] else {
      throw wrongArguments("bytes")
    }
    try charge(1 + text.utf8.count / 16)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      guard let byte = UInt8(exactly: scalar.value) else { throw wrongArguments("bytes") }
      bytes.append(byte)
    }
    return .bytes(bytes)
  }

  /// (type, bytes).
  private func numpyScalar(_ arguments: [PickleValue]) throws(PyTorchFailure) -> PickleValue {
    guard arguments.count == 2, case .numpyType(let code) = arguments[0] else { throw wrongArguments("a numpy scalar") }
    let bytes: [UInt8]
    switch arguments[1] {
    case .bytes(let value): bytes = value
    // Before it is copied: a call costs the same whatever the length.
    case .string(let value) where value.utf8.count > 8: return .opaque
    case .string(let value): bytes = Array(value.utf8)
    default: throw wrongArguments("a numpy scalar")
    }
    guard bytes.count <= 8 else { return .opaque }
    var bits: UInt64 = 0
    for (index, byte) in bytes.enumerated() { bits |= UInt64(byte) << (8 * UInt64(index)) }
    switch (code, bytes.count) {
    case ("f4", 4): return .number(Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))))
    case ("f8", 8): return .number(Double(bitPattern: bits))
    case ("i4", 4): return .integer(Int(Int32(truncatingIfNeeded: bits)))
    case ("i8", 8): return .integer(Int(truncatingIfNeeded: bits))
    case ("b1", 1): return .bool(bits != 0)
    default: return .opaque
    }
  }
}
