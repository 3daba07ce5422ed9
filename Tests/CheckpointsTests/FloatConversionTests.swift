import Testing

@testable import Checkpoints

struct FloatConversionTests {
  private let everyPattern = (0...UInt16.max).map { $0 }

  private func bytes(_ patterns: [UInt16]) -> [UInt8] { patterns.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] } }

  private func patterns(_ bytes: [UInt8]) -> [UInt16] {
    stride(from: 0, to: bytes.count, by: 2).map { UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8 }
  }

  /// Values of every exponent, around every kind of rounding, and at random.
  private var values: [Float] {
    var values: [Float] = [0, -0.0, 1, -1, .infinity, -.infinity, 65504, 65519.996, 65520, -65520, 65536, 1e30]
    values += [
      .leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude, 0x1p-24, 0x1p-25, 0x1.000002p-25,
    ]
    for exponent in -30...20 {
      for mantissa in [
        UInt32(0), 0x1000, 0xFFF, 0x1001, 0x2FFF, 0x3000, 0x3001, 0x7FFF, 0x8000, 0x8001, 0x18000, 0x7FFFFF,
      ] {
        values.append(Float(bitPattern: UInt32(exponent + 127) << 23 | mantissa))
      }
    }
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      let value = Float(bitPattern: UInt32.random(in: 0...(.max), using: &generator))
      if !value.isNaN { values.append(value) }
      values.append(Float.random(in: -2...2, using: &generator) * 0x1p-14)
    }
    return values
  }

  @Test func everyHalfIsReadExactly() {
    let values = ElementType.float16.floats(of: bytes(everyPattern))
    for (pattern, value) in zip(everyPattern, values) {
      let expected = Float(Float16(bitPattern: pattern))
      if expected.isNaN {
        #expect(value.isNaN)
      } else if value.bitPattern != expected.bitPattern {
        Issue.record("\(pattern): \(value), expected \(expected)")
      }
    }
  }

  @Test func everyHalfIsWrittenBackTheSame() {
    for type in [ElementType.float16, .bfloat16] {
      let written = patterns(type.bytes(of: type.floats(of: bytes(everyPattern))))
      let limit: UInt16 = type == .float16 ? 0x7C00 : 0x7F80
      for (pattern, again) in zip(everyPattern, written) where pattern != again {
        // A signalling NaN becomes a quiet one.
        if pattern & 0x7FFF <= limit || again & 0x7FFF <= limit { Issue.record("\(type): \(pattern) became \(again)") }
      }
    }
  }

  @Test func halvesAreRoundedToNearestEven() {
    let values = values
    for (value, pattern) in zip(values, patterns(ElementType.float16.bytes(of: values)))
    where pattern != Float16(value).bitPattern {
      Issue.record("\(value): \(pattern), expected \(Float16(value).bitPattern)")
    }
  }

  @Test func brainFloatsAreRoundedToNearestEven() {
    let values = values
    for (value, pattern) in zip(values, patterns(ElementType.bfloat16.bytes(of: values))) {
      // The neighbours on both sides, compared in Double, in which their distances are exact.
      let below = UInt16(value.bitPattern >> 16)
      let above = below &+ 1
      func distance(_ pattern: UInt16) -> Double {
        let neighbour = Float(bitPattern: UInt32(pattern) << 16)
        // Beyond the largest number lies 2^128 for the purpose of rounding.
        return abs((neighbour.isInfinite ? (neighbour < 0 ? -0x1p128 : 0x1p128) : Double(neighbour)) - Double(value))
      }
      let expected =
        value.isInfinite || distance(below) < distance(above)
        ? below : distance(below) > distance(above) ? above : below & 1 == 0 ? below : above
      if pattern != expected { Issue.record("\(value): \(pattern), expected \(expected)") }
    }
  }

  @Test func nansStayNaNs() {
    for pattern: UInt32 in [0x7F80_0001, 0x7FBF_FFFF, 0x7FC0_0000, 0x7FFF_FFFF, 0xFF80_0001, 0xFFFF_FFFF] {
      let nan = Float(bitPattern: pattern)
      for type in [ElementType.float16, .bfloat16, .float32, .float64] {
        let again = type.floats(of: type.bytes(of: [nan]))[0]
        #expect(again.isNaN && again.sign == nan.sign, "\(type) of \(String(pattern, radix: 16))")
      }
    }
  }

  @Test func wideTypes() {
    let values = values
    #expect(ElementType.float32.floats(of: ElementType.float32.bytes(of: values)) == values)
    #expect(ElementType.float64.floats(of: ElementType.float64.bytes(of: values)) == values)
    var wide = 1 + 0x1p-24 + 0x1p-50
    #expect(ElementType.float64.floats(of: withUnsafeBytes(of: &wide) { Array($0) }) == [1 + 0x1p-23])
    wide = 1e300
    #expect(ElementType.float64.floats(of: withUnsafeBytes(of: &wide) { Array($0) }) == [.infinity])
  }

  @Test func elementsNeedNotBeAligned() {
    let values: [Float] = [1, -2, 3.5, 0.25, 7]
    for type in ElementType.allCases where type.isFloat {
      let shifted = [0xFF] + type.bytes(of: values)
      var read = [Float](repeating: 0, count: values.count)
      shifted.withUnsafeBytes { bytes in
        read.withUnsafeMutableBufferPointer { type.convert(UnsafeRawBufferPointer(rebasing: bytes[1...]), into: $0) }
      }
      #expect(read == values, "\(type)")
    }
  }
}
