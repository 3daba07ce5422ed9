/// What the elements of a dataset or of an attribute are. (HDF5 file format specification 3.0, IV.A.2.d.)
enum HDF5Type: Equatable {
  case number(HDF5Number, isBigEndian: Bool)
  /// So many bytes each, filled up with zeros or blanks.
  case text(size: Int)
  /// In the global heap; each element says where.
  case variableText
  /// Nothing that is read here.
  case other(String)

  /// Bytes that say where a text in the global heap is.
  static let variableTextSize = 16

  init(_ body: HDF5Cursor) throws(HDF5Failure) {
    var body = body
    let head = try body.byte()
    let bits = UInt32(try body.byte()) | UInt32(try body.number(UInt16.self)) << 8
    let size = try body.size(bytes: 4)
    switch head & 0x0F {
    case 0: self = try HDF5Type.integer(bits, size, &body)
    case 1: self = try HDF5Type.float(bits, size, &body)
    case 3: self = .text(size: size)
    case 9 where bits & 0x0F == 1 && size == HDF5Type.variableTextSize: self = .variableText
    case let other:
      let names = [
        2: "times", 4: "bit fields", 5: "opaque bytes", 6: "compound values", 7: "references", 8: "an enumeration",
        9: "lists", 10: "arrays", 11: "complex numbers",
      ]
      self = .other(names[Int(other)] ?? "a type that is not known (\(other))")
    }
  }

  private static func integer(_ bits: UInt32, _ size: Int, _ body: inout HDF5Cursor) throws(HDF5Failure) -> HDF5Type {
    let (offset, precision) = (try body.number(UInt16.self), Int(try body.number(UInt16.self)))
    guard offset == 0, precision == 8 * size else { return .other("integers of \(precision) bits in \(size) bytes") }
    let number: HDF5Number
    switch (size, bits & 0x08 != 0) {
    case (1, true): number = .int8
    case (2, true): number = .int16
    case (4, true): number = .int32
    case (8, true): number = .int64
    case (1, false): number = .uint8
    case (2, false): number = .uint16
    case (4, false): number = .uint32
    case (8, false): number = .uint64
    default: return .other("integers of \(size) bytes")
    }
    return .number(number, isBigEndian: bits & 0x01 != 0)
  }

  /// Where the parts of a floating-point number are, in bits.
  private struct Format: Hashable {
    var size: Int
    var sign: UInt8
    var exponent: UInt8
    var exponentSize: UInt8
    var mantissaSize: UInt8
    var bias: UInt32
  }

  /// IEEE 754, and bfloat16, for which HDF5 has a name since version 2.
  private static let formats: [Format: HDF5Number] = [
    Format(size: 64, sign: 63, exponent: 52, exponentSize: 11, mantissaSize: 52, bias: 1023): .float64,
    Format(size: 32, sign: 31, exponent: 23, exponentSize: 8, mantissaSize: 23, bias: 127): .float32,
    Format(size: 16, sign: 15, exponent: 10, exponentSize: 5, mantissaSize: 10, bias: 15): .float16,
    Format(size: 16, sign: 15, exponent: 7, exponentSize: 8, mantissaSize: 7, bias: 127): .bfloat16,
  ]

  private static func float(_ bits: UInt32, _ size: Int, _ body: inout HDF5Cursor) throws(HDF5Failure) -> HDF5Type {
    let (offset, precision) = (try body.number(UInt16.self), Int(try body.number(UInt16.self)))
    let (exponent, exponentSize) = (try body.byte(), try body.byte())
    let (mantissa, mantissaSize) = (try body.byte(), try body.byte())
    let format = Format(
      size: precision, sign: UInt8(truncatingIfNeeded: bits >> 8), exponent: exponent, exponentSize: exponentSize,
      mantissaSize: mantissaSize, bias: try body.number(UInt32.self))
    // The leading 1 of the mantissa is not stored.
    let isImplied = bits >> 4 & 3 == 2
    // Bit 6 is for the order of the VAX, which is neither.
    guard isImplied, bits & 0x40 == 0, offset == 0, mantissa == 0, precision == 8 * size, let number = formats[format]
    else { return .other("floating-point numbers of another format, of \(precision) bits") }
    return .number(number, isBigEndian: bits & 0x01 != 0)
  }
}
