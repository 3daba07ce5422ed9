/// The positions that `[start:stop:step]` picks of a sequence.
struct PythonSlice: RandomAccessCollection {
  let startIndex = 0
  let endIndex: Int
  private let first: Int
  private let step: Int

  /// - Throws: `TemplateError` for a step of 0.
  init(_ start: Int?, _ stop: Int?, _ step: Int?, count: Int) throws(TemplateError) {
    let step = step ?? 1
    guard step != 0 else { throw TemplateError(.value, "a slice with the step 0") }
    // Where a slice may begin and end: from one before the first element if it goes backwards.
    let low = step > 0 ? 0 : -1
    let high = step > 0 ? count : count - 1
    func clamped(_ bound: Int) -> Int { Swift.min(Swift.max(bound < 0 ? bound + count : bound, low), high) }
    let first = start.map(clamped) ?? (step > 0 ? low : high)
    let last = stop.map(clamped) ?? (step > 0 ? high : low)
    let distance = step > 0 ? last - first : first - last
    self.first = first
    self.step = step
    endIndex = distance > 0 ? Int(UInt(distance - 1) / step.magnitude) + 1 : 0
  }

  subscript(position: Int) -> Int { first + position * step }
}
