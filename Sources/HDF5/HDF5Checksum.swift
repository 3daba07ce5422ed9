/// The checksum of newer structures: Bob Jenkins' lookup3, `hashlittle` with an initial value of 0 (HDF5 file format
/// specification, "checksum"; burtleburtle.net/bob/c/lookup3.c).
package enum HDF5Checksum {
  package static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var a = 0xDEAD_BEEF &+ UInt32(truncatingIfNeeded: bytes.count)
    var (b, c) = (a, a)
    func word(_ at: Int) -> UInt32 { UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)) }
    var position = 0
    while bytes.count - position > 12 {
      a &+= word(position)
      b &+= word(position + 4)
      c &+= word(position + 8)
      mix(&a, &b, &c)
      position += 12
    }
    guard position < bytes.count else { return c }
    var rest: (UInt32, UInt32, UInt32) = (0, 0, 0)
    withUnsafeMutableBytes(of: &rest) { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[position...])) }
    a &+= UInt32(littleEndian: rest.0)
    b &+= UInt32(littleEndian: rest.1)
    c &+= UInt32(littleEndian: rest.2)
    finish(&a, &b, &c)
    return c
  }

  private static func mix(_ a: inout UInt32, _ b: inout UInt32, _ c: inout UInt32) {
    func step(_ x: inout UInt32, _ y: inout UInt32, _ z: UInt32, _ bits: UInt32) {
      x = (x &- y) ^ rotated(y, bits)
      y &+= z
    }
    step(&a, &c, b, 4)
    step(&b, &a, c, 6)
    step(&c, &b, a, 8)
    step(&a, &c, b, 16)
    step(&b, &a, c, 19)
    step(&c, &b, a, 4)
  }

  private static func finish(_ a: inout UInt32, _ b: inout UInt32, _ c: inout UInt32) {
    func step(_ x: inout UInt32, _ y: UInt32, _ bits: UInt32) { x = (x ^ y) &- rotated(y, bits) }
    step(&c, b, 14)
    step(&a, c, 11)
    step(&b, a, 25)
    step(&c, b, 16)
    step(&a, c, 4)
    step(&b, a, 14)
    step(&c, b, 24)
  }

  private static func rotated(_ value: UInt32, _ bits: UInt32) -> UInt32 { value << bits | value >> (32 - bits) }
}
