extension ElementType {
  /// Reads elements as `Float`: exactly, but for float64, which is rounded to nearest even.
  /// - Parameter bytes: as many elements as `values` has places; they need not be aligned.
  /// - Precondition: `isFloat`.
  public func convert(_ bytes: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>) {
    precondition(bytes.count == values.count * size, "bytes and values differ in their counts")
    guard let source = bytes.baseAddress, let target = values.baseAddress else { return }
    switch self {
    case .float32: UnsafeMutableRawBufferPointer(values).copyMemory(from: bytes)
    case .float64:
      for i in 0..<values.count {
        target[i] = Float(source.loadUnaligned(fromByteOffset: i &* 8, as: Double.self))
      }
    case .bfloat16:
      for i in 0..<values.count {
        let bits = UInt32(source.loadUnaligned(fromByteOffset: i &* 2, as: UInt16.self))
        target[i] = Float(bitPattern: bits &<< 16)
      }
    case .float16:
      for i in 0..<values.count {
        target[i] = Half.float(source.loadUnaligned(fromByteOffset: i &* 2, as: UInt16.self))
      }
    default: preconditionFailure("\(rawValue) has no floating-point values")
    }
  }

  /// Writes values as elements of this type, rounded to nearest even.
  /// - Parameter bytes: room for as many elements as there are values; need not be aligned.
  /// - Precondition: `isFloat`.
  public func convert(_ values: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawBufferPointer) {
    precondition(bytes.count == values.count * size, "bytes and values differ in their counts")
    guard let source = values.baseAddress, let target = bytes.baseAddress else { return }
    switch self {
    case .float32: bytes.copyMemory(from: UnsafeRawBufferPointer(values))
    case .float64:
      for i in 0..<values.count { target.storeBytes(of: Double(source[i]), toByteOffset: i &* 8, as: Double.self) }
    case .bfloat16:
      for i in 0..<values.count {
        target.storeBytes(of: BrainFloat.bits(source[i]), toByteOffset: i &* 2, as: UInt16.self)
      }
    case .float16:
      for i in 0..<values.count { target.storeBytes(of: Half.bits(source[i]), toByteOffset: i &* 2, as: UInt16.self) }
    default: preconditionFailure("\(rawValue) has no floating-point values")
    }
  }
}

/// IEEE 754 binary16. Written without branches and without Swift's `Float16`, whose conversions are calls of a library
/// function on processors before F16C: the loops above become vector instructions everywhere.
enum Half {
  @inline(__always)
  static func float(_ bits: UInt16) -> Float {
    let sign = (UInt32(bits) & 0x8000) &<< 16
    let magnitude = (UInt32(bits) & 0x7FFF) &<< 13
    // The exponent's bias is 15 here and 127 there; an exponent of ones stays one of ones (infinity, NaN).
    let normal = magnitude &+ (112 &<< 23)
    let special = magnitude | 0x7F80_0000
    // A subnormal m · 2^-24 is (2^-14 + m · 2^-24) - 2^-14.
    let base: UInt32 = 113 &<< 23
    let subnormal = (Float(bitPattern: base &+ magnitude) - Float(bitPattern: base)).bitPattern
    let isSpecial = magnitude >= 0x7C00 &<< 13
    let isSubnormal = magnitude < 0x0400 &<< 13
    return Float(bitPattern: sign | (isSpecial ? special : isSubnormal ? subnormal : normal))
  }

  @inline(__always)
  static func bits(_ value: Float) -> UInt16 {
    let sign = (value.bitPattern &>> 16) & 0x8000
    let magnitude = value.bitPattern & 0x7FFF_FFFF
    // Rounds to nearest even by adding just under a half, and one more if the last bit that stays is set.
    let normal = (magnitude &- (112 &<< 23) &+ 0xFFF &+ ((magnitude &>> 13) & 1)) &>> 13
    // In [0.5, 1) the last bit of a Float is worth 2^-24, as that of a subnormal half: the addition rounds.
    let subnormal = (Float(bitPattern: magnitude) + 0.5).bitPattern &- (Float(0.5).bitPattern)
    let nan = 0x7E00 | ((magnitude &>> 13) & 0x3FF)
    // From 65520 on (half way between the largest half and the next power), infinity is nearest.
    let overflows = magnitude >= 0x477F_F000
    let isNaN = magnitude > 0x7F80_0000
    let isSubnormal = magnitude < 113 &<< 23
    return UInt16(truncatingIfNeeded: sign | (isNaN ? nan : overflows ? 0x7C00 : isSubnormal ? subnormal : normal))
  }
}

/// bfloat16: the upper half of a `Float`.
enum BrainFloat {
  @inline(__always)
  static func bits(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    let rounded = (bits &+ 0x7FFF &+ ((bits &>> 16) & 1)) &>> 16
    // Rounding could carry a NaN into infinity; a quiet NaN keeps its sign and what fits of its payload.
    let nan = (bits &>> 16) | 0x40
    return UInt16(truncatingIfNeeded: bits & 0x7FFF_FFFF > 0x7F80_0000 ? nan : rounded)
  }
}
