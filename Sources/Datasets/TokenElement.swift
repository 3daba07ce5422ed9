/// How a token file stores an id: a little-endian integer.
enum TokenElement: Sendable {
  case uint8, int16, uint16, int32, uint32, int64

  init(_ storage: TokenStorage) { self = storage == .uint16 ? .uint16 : .uint32 }

  var bytes: Int {
    switch self {
    case .uint8: 1
    case .int16, .uint16: 2
    case .int32, .uint32: 4
    case .int64: 8
    }
  }
}
