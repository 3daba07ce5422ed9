/// The type of a tensor's elements in a file, by its name in the safetensors format. Little-endian.
/// (huggingface/safetensors, `Dtype`; its types of less than a byte, F4 and F6, are not read.)
public enum ElementType: String, Sendable, CaseIterable {
  case float64 = "F64"
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case float8e4m3 = "F8_E4M3"
  case float8e5m2 = "F8_E5M2"
  case float8e8m0 = "F8_E8M0"
  case float8e4m3fnuz = "F8_E4M3FNUZ"
  case float8e5m2fnuz = "F8_E5M2FNUZ"
  case complex64 = "C64"
  case int64 = "I64"
  case int32 = "I32"
  case int16 = "I16"
  case int8 = "I8"
  case uint64 = "U64"
  case uint32 = "U32"
  case uint16 = "U16"
  case uint8 = "U8"
  case bool = "BOOL"

  /// Bytes of one element.
  public var size: Int {
    switch self {
    case .float64, .complex64, .int64, .uint64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float8e4m3, .float8e5m2, .float8e8m0, .float8e4m3fnuz, .float8e5m2fnuz, .int8, .uint8, .bool: 1
    }
  }

  /// Whether elements are real numbers that stand for themselves, and so can be read as `Float`. Those of eight bits
  /// are not: they have scales elsewhere.
  public var isFloat: Bool {
    switch self {
    case .float64, .float32, .float16, .bfloat16: true
    default: false
    }
  }

  /// The name in PyTorch and in config.json: "float32", "bfloat16".
  public var torchName: String {
    switch self {
    case .float64: "float64"
    case .float32: "float32"
    case .float16: "float16"
    case .bfloat16: "bfloat16"
    case .float8e4m3: "float8_e4m3fn"
    case .float8e5m2: "float8_e5m2"
    case .float8e8m0: "float8_e8m0fnu"
    case .float8e4m3fnuz: "float8_e4m3fnuz"
    case .float8e5m2fnuz: "float8_e5m2fnuz"
    case .complex64: "complex64"
    case .int64: "int64"
    case .int32: "int32"
    case .int16: "int16"
    case .int8: "int8"
    case .uint64: "uint64"
    case .uint32: "uint32"
    case .uint16: "uint16"
    case .uint8: "uint8"
    case .bool: "bool"
    }
  }
}
