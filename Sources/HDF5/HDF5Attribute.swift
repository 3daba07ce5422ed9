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
    shape = try HDF5Dataspace(space)?.shape
    data = body
  }

  /// The value as a text, a number, or a list of either; nil for what is none of these.
  func value(_ heap: HDF5GlobalHeap) throws(HDF5Failure) -> JSON? {
    let size: Int
    switch type {
    case .number(let number, _): size = number.size
    case .text(let textSize): size = textSize
    case .variableText: size = HDF5Type.variableTextSize
    case .other: return nil
    }
    guard let shape, shape.count <= 1, size > 0 else { return nil }
    guard let count = HDF5Dataspace.byteCount(of: shape, elementSize: size), count <= data.remaining else {
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
    case .number(let number, let isBigEndian): return try self.value(number, isBigEndian: isBigEndian, &data)
    case .other: return nil
    }
  }

  private static func value(
    _ number: HDF5Number, isBigEndian: Bool, _ data: inout HDF5Cursor
  ) throws(HDF5Failure) -> JSON? {
    func bits<Bits: FixedWidthInteger & BitwiseCopyable>(_ type: Bits.Type) throws(HDF5Failure) -> Bits {
      let bits = try data.number(type)
      return isBigEndian ? bits.byteSwapped : bits
    }
    switch number {
    case .int8: return .integer(Int64(try bits(Int8.self)))
    case .int16: return .integer(Int64(try bits(Int16.self)))
    case .int32: return .integer(Int64(try bits(Int32.self)))
    case .int64: return .integer(try bits(Int64.self))
    case .uint8: return .integer(Int64(try bits(UInt8.self)))
    case .uint16: return .integer(Int64(try bits(UInt16.self)))
    case .uint32: return .integer(Int64(try bits(UInt32.self)))
    case .uint64:
      let value = try bits(UInt64.self)
      return Int64(exactly: value).map(JSON.integer) ?? .number(Double(value))
    case .float32: return .number(Double(Float(bitPattern: try bits(UInt32.self))))
    case .float64: return .number(Double(bitPattern: try bits(UInt64.self)))
    case .float16, .bfloat16: return nil
    }
  }

  /// Up to the first zero, without blanks at the end.
  private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    let text = bytes.prefix { $0 != 0 }
    let blanks = text.reversed().prefix { $0 == UInt8(ascii: " ") }.count
    return String(decoding: text.dropLast(blanks), as: UTF8.self)
  }
}

extension HDF5Object {
  /// The attributes in the header that can be read.
  func values(_ heap: HDF5GlobalHeap) throws(HDF5Failure) -> JSONObject {
    var attributes: [String: HDF5Attribute] = [:]
    for message in all(.attribute) {
      guard let attribute = try HDF5Attribute(message) else { continue }
      guard attributes.updateValue(attribute, forKey: attribute.name) == nil else {
        throw .damaged("two attributes are named \(JSON.string(attribute.name).serialized().prefix(160))")
      }
    }
    var values = JSONObject()
    for (name, attribute) in attributes.sorted(by: { $0.key < $1.key }) {
      if let value = try attribute.value(heap) { values[name] = value }
    }
    return values
  }

  /// Whether there are attributes which are not in the header.
  func hasDenseAttributes() throws(HDF5Failure) -> Bool {
    guard let info = first(.attributeInfo) else { return false }
    var body = info.body
    try body.version(0)
    if try body.byte() & 0x01 != 0 { try body.skip(2) }
    return try body.address() != nil
  }
}
