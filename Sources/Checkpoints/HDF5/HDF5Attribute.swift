import Files

/// A small value with a name that belongs to an object. (HDF5 file format specification 3.0, IV.A.2.m.)
struct HDF5Attribute {
  let name: String
  private let type: HDF5Type
  private let shape: [Int]?
  private let data: HDF5Cursor

  /// Nil for an attribute whose type stands elsewhere in the file; those are not read.
  init?(_ message: HDF5Object.Message) throws(HDF5Failure) {
    var body = message.body
    let version = try body.byte()
    guard (1...3).contains(version) else { throw body.damaged("an attribute of version \(version), expected 1 to 3") }
    let flags = try body.byte()
    let sizes = (try body.size(bytes: 2), try body.size(bytes: 2), try body.size(bytes: 2))
    // The character set of the name; both are UTF-8 here.
    if version == 3 { try body.skip(1) }
    func padded(_ count: Int) -> Int { version == 1 ? (count + 7) & ~7 : count }
    name = HDF5Attribute.text(try body.take(padded(sizes.0)))
    let type = try body.part(padded(sizes.1))
    let space = try body.part(padded(sizes.2))
    guard !message.isShared, version == 1 || flags & 3 == 0 else { return nil }
    self.type = try HDF5Type(type)
    shape = try HDF5Dataspace.shape(space)
    data = body
  }

  /// The value as a text, a number, or a list of either; nil for what is none of these.
  func value(_ heap: HDF5GlobalHeap) throws(HDF5Failure) -> JSON? {
    let size: Int
    switch type {
    case .element(let type): size = type.size
    case .text(let textSize): size = textSize
    case .variableText: size = HDF5Type.variableTextSize
    case .other: return nil
    }
    guard let shape, shape.count <= 1, size > 0 else { return nil }
    guard let count = TensorDescription.byteCount(of: shape, elementSize: size), count <= data.remaining else {
      throw data.damaged("attribute \(JSON.string(name).serialized()): its values are cut off")
    }
    var data = data
    if shape.isEmpty { return try HDF5Attribute.value(type, data.part(size), heap) }
    var values: [JSON] = []
    for _ in 0..<shape[0] {
      guard let value = try HDF5Attribute.value(type, data.part(size), heap) else { return nil }
      values.append(value)
    }
    return .array(values)
  }

  private static func value(_ type: HDF5Type, _ data: HDF5Cursor, _ heap: HDF5GlobalHeap) throws(HDF5Failure) -> JSON? {
    var data = data
    switch type {
    case .text: return .string(text(try data.take(data.remaining)))
    case .variableText:
      let count = try data.size(bytes: 4)
      let place = (try data.address(), try data.size(bytes: 4))
      guard count > 0, let address = place.0 else { return .string("") }
      let bytes = try heap.object(place.1, at: address)
      guard count <= bytes.count else { throw data.damaged("a text of \(count) bytes in \(bytes.count)") }
      return .string(text(UnsafeRawBufferPointer(rebasing: bytes[..<count])))
    case .element(.int8): return .integer(Int64(try data.number(Int8.self)))
    case .element(.int16): return .integer(Int64(try data.number(Int16.self)))
    case .element(.int32): return .integer(Int64(try data.number(Int32.self)))
    case .element(.int64): return .integer(try data.number(Int64.self))
    case .element(.uint8): return .integer(Int64(try data.number(UInt8.self)))
    case .element(.uint16): return .integer(Int64(try data.number(UInt16.self)))
    case .element(.uint32): return .integer(Int64(try data.number(UInt32.self)))
    case .element(.uint64):
      let value = try data.number(UInt64.self)
      return Int64(exactly: value).map(JSON.integer) ?? .number(Double(value))
    case .element(.float32): return .number(Double(Float(bitPattern: try data.number(UInt32.self))))
    case .element(.float64): return .number(Double(bitPattern: try data.number(UInt64.self)))
    case .element, .other: return nil
    }
  }

  /// Up to the first zero, without blanks at the end.
  private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    let text = bytes.prefix { $0 != 0 }
    let blanks = text.reversed().prefix { $0 == UInt8(ascii: " ") }.count
    return String(decoding: text.dropLast(blanks), as: UTF8.self)
  }
}

/// Texts of variable length, many in one collection. (HDF5 file format specification 3.0, III.E.)
final class HDF5GlobalHeap {
  private let input: HDF5Input
  /// The objects of the collections seen so far, by the address of the collection and their number.
  private var collections: [Int: [Int: HDF5Cursor]] = [:]

  init(_ input: HDF5Input) { self.input = input }

  func object(_ number: Int, at address: Int) throws(HDF5Failure) -> UnsafeRawBufferPointer {
    let objects = if let known = collections[address] { known } else { try collection(at: address) }
    collections[address] = objects
    guard var object = objects[number] else {
      throw .damaged("the global heap at byte \(address) has no object \(number)")
    }
    // The same text may be asked for often.
    try input.charge(object.remaining)
    return try object.take(object.remaining)
  }

  private func collection(at address: Int) throws(HDF5Failure) -> [Int: HDF5Cursor] {
    let headSize = 16
    var head = try input.structure("the global heap", at: address, count: headSize)
    try head.signature("GCOL")
    try head.version(1)
    try head.skip(3)
    let size = try head.size()
    guard size >= headSize else { throw head.damaged("a size of \(size)") }
    var rest = try input.structure("the global heap", at: address, count: size)
    try rest.skip(headSize)
    var objects: [Int: HDF5Cursor] = [:]
    while rest.remaining >= headSize {
      let number = try rest.size(bytes: 2)
      // References to it.
      try rest.skip(6)
      let size = try rest.size()
      // Number 0 is the free space behind all others.
      guard number != 0 else { break }
      objects[number] = try rest.part(size)
      try rest.skip(min((8 - size % 8) % 8, rest.remaining))
    }
    return objects
  }
}
