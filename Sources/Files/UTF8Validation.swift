/// The offset of the first byte that is not part of well-formed UTF-8, or nil (The Unicode Standard, table 3-7: no overlong
/// forms, no surrogates, nothing above U+10FFFF).
public func firstInvalidUTF8(_ text: UnsafeBufferPointer<UInt8>) -> Int? {
  let count = text.count
  let raw = UnsafeRawBufferPointer(text)
  var i = 0
  while i < count {
    // Text is mostly ASCII: eight bytes at a time while no high bit is set.
    while i &+ 8 <= count, raw.loadUnaligned(fromByteOffset: i, as: UInt64.self) & 0x8080_8080_8080_8080 == 0 {
      i &+= 8
    }
    guard i < count else { return nil }
    let lead = text[i]
    if lead < 0x80 {
      i &+= 1
      continue
    }
    let length: Int
    var low: UInt8 = 0x80
    var high: UInt8 = 0xBF
    switch lead {
    case 0xC2...0xDF: length = 2
    case 0xE0...0xEF:
      length = 3
      if lead == 0xE0 { low = 0xA0 }
      if lead == 0xED { high = 0x9F }
    case 0xF0...0xF4:
      length = 4
      if lead == 0xF0 { low = 0x90 }
      if lead == 0xF4 { high = 0x8F }
    default: return i
    }
    guard i &+ length <= count, text[i &+ 1] >= low, text[i &+ 1] <= high else { return i }
    for k in 2..<4 where k < length {
      guard text[i &+ k] & 0xC0 == 0x80 else { return i }
    }
    i &+= length
  }
  return nil
}
