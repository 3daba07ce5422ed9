import Tensors

/// The store as the host sees it: elements of a parameter in row order, as checkpoints have them, in float32.
extension ParameterStore {
  /// What can be read and written of a parameter.
  public enum Part: Sendable {
    /// The weights: the float32 masters where there are some, which are all there is to know.
    case weights
    case gradients
    /// Adam's moments.
    case m, v
  }

  /// Stores elements of a parameter, from `start` on. Its rounded copy follows its master.
  /// - Throws: `GraphError.missingParameter`; `GraphError.frozenParameter` for a part that only training has.
  public func write(
    _ values: UnsafeBufferPointer<Float>, to part: Part = .weights, of name: String, at start: Int
  ) throws(GraphError) {
    let place = try requirePlace(name)
    guard let tensor = place.tensor(part) else { throw .frozenParameter(name) }
    put(values, in: tensor, of: place.parameter, at: start)
    if part == .weights, place.master != nil { put(values, in: place.weight, of: place.parameter, at: start) }
  }

  /// The type in which `writeElements` takes a parameter; nil where masters have to be written as well.
  public func elementType(of name: String) -> DType? {
    place(name).flatMap { $0.master == nil ? $0.weight.dtype : nil }
  }

  /// Stores weights that are of the parameter's own type, bit for bit, from element `start` on.
  /// - Throws: `GraphError.missingParameter`.
  /// - Precondition: `elementType(of:)` is that of `bytes`.
  public func writeElements(_ bytes: UnsafeRawBufferPointer, of name: String, at start: Int) throws(GraphError) {
    let place = try requirePlace(name)
    precondition(place.master == nil, "what is trained has masters")
    let size = place.weight.dtype.size
    var done = 0
    for view in views(of: place.weight, place.parameter, start..<start + bytes.count / size) {
      device.upload(UnsafeRawBufferPointer(rebasing: bytes[done..<done + view.byteCount]), to: view)
      done += view.byteCount
    }
  }

  /// The elements `range` of a parameter. Waits for the device.
  /// - Throws: as `write`; `DeviceError`.
  public func read(_ range: Range<Int>, from part: Part = .weights, of name: String) throws -> [Float] {
    let place = try requirePlace(name)
    guard let tensor = place.tensor(part) else { throw GraphError.frozenParameter(name) }
    var values: [Float] = []
    values.reserveCapacity(range.count)
    for view in views(of: tensor, place.parameter, range) { values += try device.readFloats(view) }
    return values
  }

  private func requirePlace(_ name: String) throws(GraphError) -> Place {
    guard let place = place(name) else { throw .missingParameter(name) }
    return place
  }

  private func put(_ values: UnsafeBufferPointer<Float>, in tensor: Tensor, of parameter: Parameter, at start: Int) {
    var done = 0
    for view in views(of: tensor, parameter, start..<start + values.count) {
      device.write(UnsafeBufferPointer(rebasing: values[done..<done + view.count]), to: view)
      done += view.count
    }
  }

  /// Where the elements `range` are stored, in order: whole runs are one strided view, cut ones are views of their own.
  private func views(of tensor: Tensor, _ parameter: Parameter, _ range: Range<Int>) -> [Tensor] {
    precondition(range.lowerBound >= 0 && range.upperBound <= parameter.count)
    let (length, stride) = parameter.runs(precision)
    var views: [Tensor] = []
    var start = range.lowerBound
    while start < range.upperBound {
      let (run, offset) = start.quotientAndRemainder(dividingBy: length)
      let left = range.upperBound - start
      let isWhole = offset == 0 && left >= length
      let (rows, columns) = isWhole ? (left / length, length) : (1, min(length - offset, left))
      views.append(
        Tensor(
          address: tensor.address + (run * stride + offset) * tensor.dtype.size, rows: rows, columns: columns,
          stride: isWhole ? stride : columns, dtype: tensor.dtype))
      start += rows * columns
    }
    return views
  }
}

extension ParameterStore.Place {
  fileprivate func tensor(_ part: ParameterStore.Part) -> Tensor? {
    switch part {
    case .weights: master ?? weight
    case .gradients: state?.gradients
    case .m: state?.m
    case .v: state?.v
    }
  }
}
