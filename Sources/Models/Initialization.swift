import Dispatch
import Glibc
import Programs
import Tensors

extension ParameterStore {
  /// Gives every parameter its initial value, drawn from `seed` and the parameter's name alone: the same parameter of
  /// the same shape starts the same in every model that has it.
  public func initialize(seed: UInt64) throws(GraphError) {
    // A piece at a time, so that nothing is held twice, and by as many threads as the device computes with.
    let (pieces, length) = (16, 1 << 14)
    let threads = max(1, device.info.threads)
    let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: pieces * length)
    defer { buffer.deallocate() }
    for parameter in parameters {
      for start in stride(from: 0, to: parameter.count, by: buffer.count) {
        let values = UnsafeMutableBufferPointer(rebasing: buffer[..<min(buffer.count, parameter.count - start)])
        nonisolated(unsafe) let shared = values
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
          for lower in stride(from: thread * length, to: shared.count, by: threads * length) {
            let elements = lower..<min(lower + length, shared.count)
            let drawn = parameter.initialValues(start + elements.lowerBound..<start + elements.upperBound, seed: seed)
            _ = UnsafeMutableBufferPointer(rebasing: shared[elements]).update(from: drawn)
          }
        }
        try write(UnsafeBufferPointer(values), of: parameter.name, at: start)
      }
    }
  }
}

extension Parameter {
  /// The elements `range` of the parameter, in row order, as it starts when it is not loaded.
  public func initialValues(_ range: Range<Int>, seed: UInt64) -> [Float] {
    switch initial {
    case .zeros: [Float](repeating: 0, count: range.count)
    case .ones: [Float](repeating: 1, count: range.count)
    case .normal(let deviation): NormalNumbers(seed: seed, name: name).values(range, deviation: deviation)
    case .normalExcept(let row, let deviation):
      zip(range, NormalNumbers(seed: seed, name: name).values(range, deviation: deviation)).map { element, value in
        element / columns == row ? 0 : value
      }
    }
  }
}

/// Normally distributed numbers by the Box–Muller transform, over a counter-based
/// generator: any part of the stream can be drawn by itself.
public struct NormalNumbers: Sendable {
  private let seed: UInt64

  /// The stream of `name` under `seed`.
  public init(seed: UInt64, name: String) {
    // FNV-1a, so that a stream does not depend on the order of the parameters.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    self.seed = SplitMix64.value(seed: seed, at: hash)
  }

  /// The numbers `range` of the stream, with mean 0.
  public func values(_ range: Range<Int>, deviation: Float) -> [Float] {
    [Float](unsafeUninitializedCapacity: range.count) { buffer, used in
      // Numbers 2k and 2k + 1 come from the uniform numbers 2k and 2k + 1.
      var pair = range.lowerBound / 2
      while 2 * pair < range.upperBound {
        var random = SplitMix64(seed: seed, draws: UInt64(2 * pair))
        // 1 − u is in (0, 1], so that the logarithm is finite.
        let radius = (-2 * log(1 - random.nextUnit())).squareRoot() * Double(deviation)
        let angle = 2 * Double.pi * random.nextUnit()
        if range.contains(2 * pair) { buffer[2 * pair - range.lowerBound] = Float(radius * cos(angle)) }
        if range.contains(2 * pair + 1) { buffer[2 * pair + 1 - range.lowerBound] = Float(radius * sin(angle)) }
        pair += 1
      }
      used = range.count
    }
  }
}
