/// How a token file stores an id: raw and little-endian, with no header (nanoGPT's .bin).
public enum TokenStorage: String, Sendable, CaseIterable {
  case uint16, uint32

  public var bytes: Int { self == .uint16 ? 2 : 4 }

  /// `uint16` as long as every id fits.
  public init(vocabularySize: Int) { self = vocabularySize <= 65_536 ? .uint16 : .uint32 }
}
