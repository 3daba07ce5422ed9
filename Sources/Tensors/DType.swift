/// Element types of tensors on a device.
public enum DType: UInt8, Sendable, Hashable {
  case float32 = 0
  case int32 = 1
  /// The upper half of a float32: 8 bits of exponent, 7 of fraction.
  case bfloat16 = 2
  /// IEEE 754 binary16: 5 bits of exponent, 10 of fraction. Nothing is computed in it; weights may be stored as it.
  case float16 = 3

  /// Bytes of one element.
  public var size: Int {
    switch self {
    case .float32, .int32: 4
    case .bfloat16, .float16: 2
    }
  }
}
