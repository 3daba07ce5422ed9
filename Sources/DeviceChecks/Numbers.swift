import Tensors

/// `count` numbers, uniform in `range`, the same for the same seed.
public func randomFloats(_ count: Int, seed: UInt64, in range: ClosedRange<Float> = -1...1) -> [Float] {
  var random = SplitMix64(seed: seed)
  return (0..<count).map { _ in range.lowerBound + (range.upperBound - range.lowerBound) * Float(random.nextUnit()) }
}

/// `count` integers, uniform in `range`, the same for the same seed.
public func randomIntegers(_ count: Int, seed: UInt64, in range: Range<Int32>) -> [Int32] {
  var random = SplitMix64(seed: seed)
  return (0..<count).map { _ in range.lowerBound + Int32(random.next(below: range.count)) }
}

/// Largest |a − b|; infinite when the counts differ or one is NaN where the other is not.
public func maximumDifference(_ a: [Float], _ b: [Float]) -> Double {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).reduce(0) { largest, pair in
    if pair.0 == pair.1 || (pair.0.isNaN && pair.1.isNaN) { return largest }
    let difference = abs(Double(pair.0) - Double(pair.1))
    return difference.isNaN ? .infinity : max(largest, difference)
  }
}

/// Largest |a − b| over the largest |b|: the error of `a` against the reference `b`.
public func relativeDifference(_ a: [Float], _ b: [Float]) -> Double {
  let largest = b.reduce(0) { max($0, abs(Double($1))) }
  let difference = maximumDifference(a, b)
  return difference == 0 ? 0 : difference / largest
}
