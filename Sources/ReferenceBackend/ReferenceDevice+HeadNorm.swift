import Tensors

extension ReferenceDevice {
  public func headNorm(
    _ y: Tensor, statistics: Tensor, x: Tensor, queryWeight: Tensor, keyWeight: Tensor, _ spec: HeadNormSpec
  ) {
    launched()
    copy(y, x)
    for i in 0..<x.rows {
      for head in 0..<spec.heads + spec.kvHeads {
        let weight = (head < spec.heads ? queryWeight : keyWeight).row(0)
        let input = x.row(i) + head * spec.headStride
        let result = y.row(i) + head * spec.headStride
        var square = 0.0
        for d in 0..<spec.headDimension { square += input[d] * input[d] }
        let reciprocal = 1 / (square / Double(spec.headDimension) + Double(spec.epsilon)).squareRoot()
        statistics.row(i)[head] = reciprocal
        for d in 0..<spec.headDimension { result[d] = input[d] * reciprocal * weight[d] }
      }
    }
  }

  public func headNormBackward(
    dx: Tensor, dQueryWeight: Tensor?, dKeyWeight: Tensor?, dy: Tensor, x: Tensor, queryWeight: Tensor,
    keyWeight: Tensor, statistics: Tensor, _ spec: HeadNormSpec
  ) {
    launched()
    let size = spec.headDimension
    var queryGradient = [Double](repeating: 0, count: size)
    var keyGradient = [Double](repeating: 0, count: size)
    copy(dx, dy)
    for i in 0..<x.rows {
      for head in 0..<spec.heads + spec.kvHeads {
        let isQuery = head < spec.heads
        let weight = (isQuery ? queryWeight : keyWeight).row(0)
        let input = x.row(i) + head * spec.headStride
        let upstream = dy.row(i) + head * spec.headStride
        let result = dx.row(i) + head * spec.headStride
        let reciprocal = statistics.row(i)[head]
        var meanOfProduct = 0.0
        for d in 0..<size {
          let normalised = input[d] * reciprocal
          meanOfProduct += upstream[d] * weight[d] * normalised / Double(size)
          if isQuery {
            queryGradient[d] += upstream[d] * normalised
          } else {
            keyGradient[d] += upstream[d] * normalised
          }
        }
        for d in 0..<size {
          result[d] = reciprocal * (upstream[d] * weight[d] - input[d] * reciprocal * meanOfProduct)
        }
      }
    }
    for d in 0..<size {
      dQueryWeight?.row(0).put(queryGradient[d], at: d, .add)
      dKeyWeight?.row(0).put(keyGradient[d], at: d, .add)
    }
  }
}
