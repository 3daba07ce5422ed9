/// Element types of tensors on a device.
public enum DType: UInt8, Sendable, Hashable {
  case float32, int32

  /// Bytes of one element.
  public var size: Int { 4 }
}
