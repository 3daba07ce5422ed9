import Foundation
import Tensors

extension ReferenceDevice {
  public func rope(_ x: Tensor, table: Tensor, _ spec: RoPESpec, inverse: Bool) {
    launched()
    let half = spec.headDimension / 2
    for i in 0..<x.rows {
      let angles = table.row(i % spec.length + Int(scalars.pointee.position))
      for head in 0..<spec.heads {
        let first = x.row(i) + head * spec.headStride
        let second = first + half
        for j in 0..<half {
          let cosine = angles[j]
          let sine = inverse ? -angles[half + j] : angles[half + j]
          let a = first[j]
          let b = second[j]
          first[j] = a * cosine - b * sine
          second[j] = b * cosine + a * sine
        }
      }
    }
  }

  public func attention(
    _ y: Tensor, logSumExp: Tensor, qkv: Tensor, slopes: Tensor?, documentStarts: Tensor?, _ spec: AttentionSpec
  ) {
    launched()
    let cap = Softcap(spec.softcap)
    let keys = spec.keys(of: qkv)
    let values = spec.values(of: qkv)
    for i in 0..<qkv.rows {
      let seen = spec.visible(i, documentStarts).map { SeenRow(keys.row($0), values.row($0)) }[...]
      for head in 0..<spec.heads {
        let query = qkv.row(i) + head * spec.headDimension
        logSumExp.row(i)[head] = attend(
          y.row(i) + head * spec.headDimension, query, seen, head, slopes, cap, spec)
      }
    }
  }

  /// A row that a query sees: all its keys and values.
  struct SeenRow {
    var keys: Elements
    var values: Elements

    init(_ keys: Elements, _ values: Elements) {
      self.keys = keys
      self.values = values
    }
  }

  /// y [D] of a query over the rows `seen`, which follow one another in its text, the last of them its own; returns the
  /// logarithm of the sum of exponentials.
  func attend(
    _ y: Elements, _ query: Elements, _ seen: ArraySlice<SeenRow>, _ head: Int, _ slopes: Tensor?, _ cap: Softcap,
    _ spec: AttentionSpec
  ) -> Double {
    let column = spec.kvColumn(head)
    let slope = slopes?.row(0)[head] ?? 0
    let scores = zip(seen, seen.indices).map { row, position in
      cap.value(Double(spec.scale) * dot(query, row.keys + column, spec.headDimension))
        + slope * Double(position - (seen.endIndex - 1))
    }
    let largest = scores.max() ?? 0
    let weights = scores.map { exp($0 - largest) }
    let total = weights.reduce(0, +)
    for d in 0..<spec.headDimension {
      var sum = 0.0
      for (weight, row) in zip(weights, seen) { sum += weight * row.values[column + d] }
      y[d] = sum / total
    }
    return largest + log(total)
  }

  public func attentionBackward(
    dqkv: Tensor, dy: Tensor, y: Tensor, logSumExp: Tensor, qkv: Tensor, slopes: Tensor?, documentStarts: Tensor?,
    _ spec: AttentionSpec
  ) {
    launched()
    let cap = Softcap(spec.softcap)
    let size = spec.headDimension
    let scale = Double(spec.scale)
    let keys = spec.keys(of: qkv)
    let values = spec.values(of: qkv)
    let keyStart = spec.heads * size
    let valueStart = keyStart + spec.kvHeads * size
    var gradient = [Double](repeating: 0, count: qkv.rows * qkv.columns)
    for i in 0..<qkv.rows {
      for head in 0..<spec.heads {
        let column = spec.kvColumn(head)
        let slope = slopes?.row(0)[head] ?? 0
        let start = head * size
        let query = qkv.row(i) + start
        let upstream = dy.row(i) + start
        // Σ_j p_j dp_j of the softmax gradient equals dy·y.
        let expected = dot(upstream, y.row(i) + start, size)
        for j in spec.visible(i, documentStarts) {
          let key = keys.row(j) + column
          let value = values.row(j) + column
          let product = scale * dot(query, key, size)
          let probability = exp(cap.value(product) + slope * Double(j - i) - logSumExp.row(i)[head])
          let dScore = probability * (dot(upstream, value, size) - expected) * cap.derivative(product) * scale
          for d in 0..<size {
            gradient[i * qkv.columns + start + d] += dScore * key[d]
            gradient[j * qkv.columns + keyStart + column + d] += dScore * query[d]
            gradient[j * qkv.columns + valueStart + column + d] += probability * upstream[d]
          }
        }
      }
    }
    dqkv.fill { gradient[$0 * qkv.columns + $1] }
  }

  public func attentionCached(
    _ y: Tensor, qkv: Tensor, keys: Tensor, values: Tensor, slopes: Tensor?, capacity: Int, _ spec: AttentionSpec
  ) {
    launched()
    let cap = Softcap(spec.softcap)
    let newKeys = spec.keys(of: qkv)
    let newValues = spec.values(of: qkv)
    for i in 0..<qkv.rows {
      let position = Int(scalars.pointee.position) + i % spec.length
      precondition(position < capacity, "attentionCached: position \(position) of \(capacity)")
      let first = i / spec.length * capacity
      for d in 0..<spec.kvHeads * spec.headDimension {
        keys.row(first + position)[d] = newKeys.row(i)[d]
        values.row(first + position)[d] = newValues.row(i)[d]
      }
      let seen = spec.visible(from: first, to: first + position).map { SeenRow(keys.row($0), values.row($0)) }[...]
      for head in 0..<spec.heads {
        let start = head * spec.headDimension
        _ = attend(y.row(i) + start, qkv.row(i) + start, seen, head, slopes, cap, spec)
      }
    }
  }

  private func dot(_ a: Elements, _ b: Elements, _ count: Int) -> Double {
    var sum = 0.0
    for j in 0..<count { sum += a[j] * b[j] }
    return sum
  }
}

extension AttentionSpec {
  /// First column, in k or v, of the key/value head that query head `head` reads: groups of H/G neighbours share one.
  func kvColumn(_ head: Int) -> Int { head / (heads / kvHeads) * headDimension }

  /// Rows of keys that the query of row `row` sees, of whole sequences.
  func visible(_ row: Int, _ documentStarts: Tensor?) -> ClosedRange<Int> {
    let first = row / length * length
    let start = min(max(documentStarts?.integer(row) ?? 0, 0), row - first)
    return visible(from: first + start, to: row)
  }

  /// Rows of keys that the query of row `last` sees, in a sequence that begins at row `first`.
  func visible(from first: Int, to last: Int) -> ClosedRange<Int> {
    guard let window, window <= last - first else { return first...last }
    return (last - window + 1)...last
  }

  /// The k columns of packed rows.
  func keys(of qkv: Tensor) -> Tensor { columns(of: qkv, from: heads * headDimension) }
  /// The v columns of packed rows.
  func values(of qkv: Tensor) -> Tensor { columns(of: qkv, from: (heads + kvHeads) * headDimension) }

  private func columns(of qkv: Tensor, from start: Int) -> Tensor {
    var view = qkv
    view.address += start * qkv.dtype.size
    view.columns = kvHeads * headDimension
    return view
  }
}
