/// Element types of tensors on a device.
public enum DType: UInt8, Sendable, Hashable {
  case float32 = 0
  case int32 = 1
  /// The upper half of a float32: 8 bits of exponent, 7 of fraction.
  case bfloat16 = 2

  /// Bytes of one element.
  public var size: Int { self == .bfloat16 ? 2 : 4 }
}
