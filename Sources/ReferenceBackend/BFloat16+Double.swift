import Tensors

extension BFloat16 {
  /// The bits of the bfloat16 nearest to `value`, the even one of two: rounded once, not by way of Float.
  static func bits(of value: Double) -> UInt16 {
    guard value.isFinite else { return bits(of: Float(value)) }
    // Eight significant bits, the spacing of subnormal numbers below 2⁻¹²⁶. Scaling by powers of two is exact.
    let exponent = max(value == 0 ? -126 : Int(value.exponent), -126)
    let spacing = Double(sign: .plus, exponent: exponent - 7, significand: 1)
    let rounded = (value / spacing).rounded(.toNearestOrEven) * spacing
    return UInt16(Float(rounded).bitPattern >> 16)
  }
}
