/// bfloat16 as its 16 bits: the upper half of a float32.
public enum BFloat16 {
  /// The bits of the nearest bfloat16 (ties to even). What is not a number stays none.
  @inlinable
  public static func bits(of value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
  }

  @inlinable
  public static func value(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }
}
