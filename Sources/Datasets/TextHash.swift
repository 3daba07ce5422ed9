import Files

/// Half of the SHA-256 of a document's text: two texts with the same one have never been seen.
struct TextHash: Equatable, Sendable {
  var high: UInt64
  var low: UInt64

  init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  init(_ hash: SHA256) {
    let words = hash.digest()
    high = UInt64(words[0]) << 32 | UInt64(words[1])
    low = UInt64(words[2]) << 32 | UInt64(words[3])
  }

  init(of text: UnsafeBufferPointer<UInt8>) {
    var hash = SHA256()
    hash.update(UnsafeRawBufferPointer(text))
    self.init(hash)
  }
}
