import Files
import HDF5

/// An HDF5 file of weights: Keras' (`tf_model.h5`), or one dataset a tensor, as `HDF5Writer` makes them.
///
/// Datasets that cannot be tensors are none; asked for, they are an error that says why.
struct HDF5Checkpoint: CheckpointReader {
  /// In the order of their elements; the name is the path from the root, "transformer/wte/weight:0".
  let tensors: [TensorDescription]
  /// The texts among the root's attributes.
  let metadata: [String: String]
  /// The root's attributes: texts, numbers, and lists of them. `config` is an object if its text is one. `weight_names`
  /// has, for each group in which Keras lists weights, their paths from there, by the group's path.
  let settings: JSONObject
  private let file: HDF5File
  private let types: [String: ElementType]
  private let refusals: [String: String]
  private let chunked: [String: ChunkedStorage]

  /// - Throws: `CheckpointError.malformed`; `.malformedTensor` for a weight that the file lists and that cannot be
  ///   read, or where nothing can; `.file`.
  init(_ mapped: MappedFile) throws(CheckpointError) {
    do { file = try HDF5File(mapped) } catch { throw CheckpointError(error) }
    var types: [String: ElementType] = [:]
    var refusals = file.refusals
    for (name, dataset) in file.datasets {
      switch HDF5Checkpoint.type(of: dataset) {
      case .success(let type): types[name] = type
      case .failure(let refusal): refusals[name] = refusal.reason
      }
    }
    self.types = types
    self.refusals = refusals
    let places = file.datasets.mapValues(\.position)
    chunked = try HDF5Checkpoint.chunked(file, types)
    tensors = types.sorted { (places[$0.key] ?? 0, $0.key) < (places[$1.key] ?? 0, $1.key) }
      .map { [file] in TensorDescription(name: $0.key, type: $0.value, shape: file.datasets[$0.key]?.shape ?? []) }
    let attributes = KerasAttributes(file.groups)
    metadata = attributes.root.reduce(into: [:]) { texts, attribute in texts[attribute.key] = attribute.value.string }
    settings = attributes.settings
    try checkListedWeights(attributes.weightNames)
    if tensors.isEmpty, let (name, reason) = refusals.min(by: { $0.key < $1.key }) {
      throw .malformedTensor(path: mapped.path, tensor: name, reason: reason)
    }
  }

  /// The datasets in chunks, to be unpacked into one file.
  private static func chunked(
    _ file: HDF5File, _ types: [String: ElementType]
  ) throws(CheckpointError) -> [String: ChunkedStorage] {
    let datasets = file.datasets.filter { types[$0.key] != nil && !$0.value.isContiguous }
    // One dataset is in proportion to the file, but may have many names.
    let largest = 1 << 50
    guard datasets.values.reduce(0, { min($0 + $1.byteCount, largest) }) < largest else {
      throw .malformed(path: file.path, format: .hdf5, reason: "its datasets in chunks are larger than any disk")
    }
    let unpacked = UnpackedFile(datasets.map { ($0.key, $0.value.byteCount) })
    return datasets.reduce(into: [:]) { $0[$1.key] = ChunkedStorage($1.key, of: file, in: unpacked) }
  }

  /// Every weight of Keras' lists is there.
  private func checkListedWeights(_ lists: JSONObject) throws(CheckpointError) {
    // Each is looked up by its whole path, the group's and its own: a small file could ask for much.
    var allowance = 4 * file.file.count
    for (group, list) in lists {
      let names = (list.array ?? []).compactMap(\.string)
      allowance -= names.count * (group.utf8.count + 1)
      guard allowance >= 0 else {
        throw .malformed(path: path, format: .hdf5, reason: "its lists of weights are more than the file has room for")
      }
      for name in names {
        let whole = group.isEmpty ? name : group + "/" + name
        guard types[whole] == nil else { continue }
        throw .malformedTensor(
          path: path, tensor: whole, reason: refusals[whole] ?? "listed in weight_names, but not in the file")
      }
    }
  }

  var path: String { file.path }
  var format: CheckpointFormat { .hdf5 }
  var files: [String] { [file.path] }

  func description(of name: String) -> TensorDescription? {
    guard let type = types[name], let dataset = file.datasets[name] else { return nil }
    return TensorDescription(name: name, type: type, shape: dataset.shape)
  }

  /// - Throws: `CheckpointError.missingTensor`; `.malformedTensor` for what has the name, but is no tensor to be read.
  func contents(of name: String) throws(CheckpointError) -> TensorContents {
    guard let type = types[name], let dataset = file.datasets[name] else {
      if let reason = refusals[name] { throw .malformedTensor(path: path, tensor: name, reason: reason) }
      throw .missingTensor(path: path, tensor: name)
    }
    let region = file.contiguousRange(of: dataset).map { FileRegion(file: file.file, range: $0) }
    guard let storage: any TensorStorage = chunked[name] ?? region else {
      throw .missingTensor(path: path, tensor: name)
    }
    return TensorContents(storage, type: type, layout: StridedLayout(contiguous: dataset.shape))
  }

  /// What describes the datasets is all over the file.
  func header(of path: String) -> UnsafeRawBufferPointer? { nil }
}

// MARK: - Types

extension HDF5Checkpoint {
  /// Types that HDF5 has no name for are stored as unsigned integers of their size; an attribute says what they are.
  static let typeAttribute = "dtype"
  static let namedTypes: [ElementType] = [
    .bfloat16, .float8e4m3, .float8e5m2, .float8e8m0, .float8e4m3fnuz, .float8e5m2fnuz, .complex64, .bool,
  ]

  private struct Refusal: Error { var reason: String }

  private static func type(of dataset: HDF5Dataset) -> Result<ElementType, Refusal> {
    guard !dataset.isBigEndian || dataset.type.size == 1 else {
      let kind = dataset.type.isFloat ? "floating-point numbers" : "integers"
      return .failure(Refusal(reason: "it holds big-endian \(kind), expected plain little-endian numbers"))
    }
    let stored = ElementType(dataset.type)
    // What unsigned integers stand for.
    guard [.uint8, .uint16, .uint64].contains(stored) else { return .success(stored) }
    guard !dataset.hasUnreadAttributes else {
      return .failure(
        Refusal(
          reason: "its attributes are stored in a dense form; rewrite the file with: h5repack in.h5 out.h5"))
    }
    guard let name = dataset.attributes[typeAttribute]?.string,
      let type = namedTypes.first(where: { $0.torchName == name })
    else { return .success(stored) }
    guard type.size == stored.size else {
      return .failure(
        Refusal(reason: "its attribute says \(name), but its elements have \(stored.size) bytes"))
    }
    return .success(type)
  }
}

extension ElementType {
  init(_ number: HDF5Number) {
    switch number {
    case .int8: self = .int8
    case .int16: self = .int16
    case .int32: self = .int32
    case .int64: self = .int64
    case .uint8: self = .uint8
    case .uint16: self = .uint16
    case .uint32: self = .uint32
    case .uint64: self = .uint64
    case .float16: self = .float16
    case .bfloat16: self = .bfloat16
    case .float32: self = .float32
    case .float64: self = .float64
    }
  }

  /// What HDF5 stores it as.
  var storage: HDF5Number {
    switch self {
    case .float64: .float64
    case .float32: .float32
    case .float16: .float16
    case .int64: .int64
    case .int32: .int32
    case .int16: .int16
    case .int8: .int8
    case .uint64, .complex64: .uint64
    case .uint32: .uint32
    case .uint16, .bfloat16: .uint16
    case .uint8, .bool, .float8e4m3, .float8e5m2, .float8e8m0, .float8e4m3fnuz, .float8e5m2fnuz: .uint8
    }
  }
}

extension CheckpointError {
  init(_ error: HDF5Error) {
    switch error {
    case .file(let error): self = .file(error)
    case .malformed(let path, let reason): self = .malformed(path: path, format: .hdf5, reason: reason)
    case .unreadableDataset(let path, let dataset, let reason):
      self = .malformedTensor(path: path, tensor: dataset, reason: reason)
    case .missingDataset(let path, let dataset): self = .missingTensor(path: path, tensor: dataset)
    }
  }
}
