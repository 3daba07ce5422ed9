/// `numpy.sum` of doubles, which adds in eight strands from 8 elements on and pairwise from 128: in another order the
/// last digit can differ.
enum NumPySum {
  static func of(_ values: [Double]) -> Double { sum(values[...]) }

  private static func sum(_ values: ArraySlice<Double>) -> Double {
    let count = values.count
    if count < 8 { return values.reduce(-0.0, +) }
    if count <= 128 {
      var strands = Array(values.prefix(8))
      var index = values.startIndex + 8
      while index + 8 <= values.endIndex {
        for strand in 0..<8 { strands[strand] += values[index + strand] }
        index += 8
      }
      let sum =
        ((strands[0] + strands[1]) + (strands[2] + strands[3]))
        + ((strands[4] + strands[5]) + (strands[6] + strands[7]))
      return values[index...].reduce(sum, +)
    }
    let half = count / 2 / 8 * 8
    return sum(values.prefix(half)) + sum(values.dropFirst(half))
  }
}
