import Tensors

extension ReferenceDevice {
  public func norm(
    _ y: Tensor, statistics: Tensor, sum: Tensor?, x: Tensor, delta: Tensor?, weight: Tensor, bias: Tensor?,
    _ spec: NormSpec
  ) {
    launched()
    let columns = x.columns
    for i in 0..<x.rows {
      var input = x.row(i)
      if let sum, let delta {
        let total = sum.row(i)
        let added = delta.row(i)
        for j in 0..<columns { total[j] = input[j] + added[j] }
        input = total
      }
      var mean = 0.0
      if spec.kind == .layer {
        for j in 0..<columns { mean += input[j] }
        mean /= Double(columns)
      }
      var variance = 0.0
      for j in 0..<columns {
        let centred = input[j] - mean
        variance += centred * centred
      }
      variance /= Double(columns)
      let reciprocal = 1 / (variance + Double(spec.epsilon)).squareRoot()
      statistics.row(i)[0] = mean
      statistics.row(i)[1] = reciprocal
      for j in 0..<columns {
        let normalised = (input[j] - mean) * reciprocal
        y.row(i)[j] = normalised * (Double(spec.weightOffset) + weight.row(0)[j]) + (bias?.row(0)[j] ?? 0)
      }
    }
  }

  public func normBackward(
    dx: Tensor, dWeight: Tensor?, dBias: Tensor?, dy: Tensor, x: Tensor, weight: Tensor, statistics: Tensor,
    _ spec: NormSpec, _ accumulate: Accumulation
  ) {
    launched()
    let columns = x.columns
    var weightGradient = [Double](repeating: 0, count: columns)
    var biasGradient = [Double](repeating: 0, count: columns)
    for i in 0..<x.rows {
      let mean = statistics.row(i)[0]
      let reciprocal = statistics.row(i)[1]
      let input = x.row(i)
      let upstream = dy.row(i)
      let scale = weight.row(0)
      func normalised(_ j: Int) -> Double { (input[j] - mean) * reciprocal }
      func scaled(_ j: Int) -> Double { upstream[j] * (Double(spec.weightOffset) + scale[j]) }
      var meanOfScaled = 0.0
      var meanOfProduct = 0.0
      for j in 0..<columns {
        meanOfScaled += scaled(j)
        meanOfProduct += scaled(j) * normalised(j)
        weightGradient[j] += upstream[j] * normalised(j)
        biasGradient[j] += upstream[j]
      }
      meanOfScaled = spec.kind == .layer ? meanOfScaled / Double(columns) : 0
      meanOfProduct /= Double(columns)
      for j in 0..<columns {
        dx.row(i).put(reciprocal * (scaled(j) - meanOfScaled - normalised(j) * meanOfProduct), at: j, accumulate)
      }
    }
    for j in 0..<columns {
      dWeight?.row(0).put(weightGradient[j], at: j, .add)
      dBias?.row(0).put(biasGradient[j], at: j, .add)
    }
  }
}
