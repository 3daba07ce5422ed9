import Checkpoints
import Programs
import Tensors

extension ParameterStore {
  /// A store with the weights of a checkpoint: everything is checked against the model before memory is taken.
  /// - Parameter group: the optimiser group of each parameter; the default freezes all of them.
  /// - Throws: `ModelError.weightsDoNotFit` naming every tensor that is missing, left over or of another shape;
  ///   `CheckpointError`, `DeviceError`.
  public static func load(
    _ model: Model, from checkpoint: any CheckpointReader, device: any Device, precision: Precision = .float32,
    group: (Parameter) -> ParameterGroup = { _ in .frozen }
  ) throws -> ParameterStore {
    let names = try model.weights.match(checkpoint)
    let store = try ParameterStore(
      device: device, parameters: model.parameters, precision: precision, group: group)
    for (entry, name) in zip(model.weights.entries, names) {
      guard let name else { continue }
      let contents = try checkpoint.contents(of: name)
      if case .parameter(let parameter, let layout) = entry.content, let type = DType(contents.type),
        type == store.elementType(of: parameter)
      {
        try store.copy(contents, to: parameter, layout)
      } else {
        try store.fill(entry, path: checkpoint.path) { elements, values in
          try checkpoint.read(name, elements: elements, into: values)
        }
      }
      try contents.releasePages()
    }
    return store
  }

  /// Elements that are handled at once: what is read is still in a cache when it is stored.
  private static let piece = 1 << 20

  /// Copies a tensor whose elements are of the parameter's own type, a piece at a time.
  /// - Parameter layout: where they go among the parameter's.
  private func copy(_ contents: TensorContents, to parameter: String, _ layout: StridedLayout) throws {
    let size = contents.type.size
    let count = layout.elementCount
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(ParameterStore.piece, count) * size, alignment: 64)
    defer { buffer.deallocate() }
    for start in stride(from: 0, to: count, by: ParameterStore.piece) {
      let elements = start..<min(start + ParameterStore.piece, count)
      let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer[..<(elements.count * size)])
      try contents.copy(elements, into: bytes)
      var done = 0
      try layout.forEachRun(elements) { run in
        let part = UnsafeRawBufferPointer(rebasing: bytes[done..<done + run.count * size])
        try writeElements(part, of: parameter, at: run.start)
        done += run.count * size
      }
    }
  }

  /// Fills the place of one checkpoint tensor, a piece at a time, so that nothing is held twice.
  /// - Parameters:
  ///   - path: where the values come from, for messages.
  ///   - read: puts the elements asked for, counted in row-major order, into the buffer.
  /// - Throws: `ModelError.biasNotZero`, and what `read` throws.
  public func fill(
    _ entry: WeightEntry, path: String,
    read: (_ elements: Range<Int>, _ values: UnsafeMutableBufferPointer<Float>) throws -> Void
  ) throws {
    var buffer = [Float](repeating: 0, count: min(ParameterStore.piece, entry.elementCount))
    for start in stride(from: 0, to: entry.elementCount, by: ParameterStore.piece) {
      let elements = start..<min(start + ParameterStore.piece, entry.elementCount)
      try buffer.withUnsafeMutableBufferPointer { buffer in
        let values = UnsafeMutableBufferPointer(rebasing: buffer[..<elements.count])
        try read(elements, values)
        try put(UnsafeBufferPointer(values), at: start, of: entry, path: path)
      }
    }
  }

  /// Stores elements of a checkpoint's tensor, from element `start` on.
  private func put(
    _ values: UnsafeBufferPointer<Float>, at start: Int, of entry: WeightEntry, path: String
  ) throws {
    switch entry.content {
    case .parameter(let parameter, let layout):
      var done = 0
      try layout.forEachRun(start..<start + values.count) { run in
        try write(UnsafeBufferPointer(rebasing: values[done..<done + run.count]), of: parameter, at: run.start)
        done += run.count
      }
    case .zeros:
      guard values.allSatisfy({ $0 == 0 }) else { throw ModelError.biasNotZero(path: path, tensor: entry.name) }
    }
  }
}

extension WeightMap {
  /// The file's name for every entry, in the order of `entries`; nil for tensors that the model has not and the file has
  /// not either.
  /// - Throws: `ModelError.weightsDoNotFit` naming everything that is missing, left over or of another shape;
  ///   `.unknownNames` when that would be all.
  public func match(_ checkpoint: any CheckpointReader) throws(ModelError) -> [String?] {
    var problems: [String] = []
    var used: Set<String> = []
    var names: [String?] = []
    names.reserveCapacity(entries.count)
    for entry in entries {
      guard let name = fileName(of: entry, where: { checkpoint.description(of: $0) != nil }),
        let found = checkpoint.description(of: name)
      else {
        if entry.content != .zeros { problems.append("'\(entry.name)' is missing") }
        names.append(nil)
        continue
      }
      if found.shape != entry.shape {
        problems.append("'\(name)' is \(WeightMap.text(found.shape)), expected \(WeightMap.text(entry.shape))")
      } else if !found.type.isFloat {
        problems.append("'\(name)' holds \(found.type.rawValue), expected floating-point numbers")
      }
      used.insert(name)
      names.append(name)
    }
    guard !used.isEmpty else {
      throw .unknownNames(
        path: checkpoint.path, found: checkpoint.tensors.map { "'\($0.name)'" },
        expected: entries.map { "'\($0.name)'" })
    }
    for tensor in checkpoint.tensors
    where !used.contains(tensor.name) && !isIgnored(tensor.name) && tensor.elementCount > 0 {
      problems.append("'\(tensor.name)' is not part of this model")
    }
    guard problems.isEmpty else { throw .weightsDoNotFit(path: checkpoint.path, problems: problems) }
    return names
  }

  static func text(_ shape: [Int]) -> String { "[\(shape.map(String.init).joined(separator: ", "))]" }
}
