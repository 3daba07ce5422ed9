import Files

/// One HDF5 file: Keras' weights (`tf_model.h5`), or one dataset a tensor, as `HDF5Writer` makes them.
///
/// The file's structures are read here and not by libhdf5, which is not made for files of unknown origin. What can be
/// mapped is read: contiguous datasets of little-endian numbers, in groups of the forms that HDF5 writes by default. A
/// dataset of another kind is no tensor; asked for, it is an error that says why. No other file is ever opened.
struct HDF5File: CheckpointReader {
  /// In the order of their elements; the name is the path from the root, "transformer/wte/weight:0".
  let tensors: [TensorDescription]
  /// The texts among the root's attributes.
  let metadata: [String: String]
  /// The root's attributes: texts, numbers, and lists of them. `config` is an object if its text is one. `weight_names`
  /// has, for each group in which Keras lists weights, their paths from there, by the group's path.
  let settings: JSONObject
  private let file: MappedFile
  /// The byte from which the datasets' places count.
  private let start: Int
  private let datasets: [String: HDF5Dataset]
  private let refusals: [String: String]

  /// - Throws: `CheckpointError.malformed`; `.malformedTensor` for a weight that the file lists and that cannot be
  ///   read, or where nothing can; `.file`.
  init(_ file: MappedFile) throws(CheckpointError) {
    self.file = file
    let path = file.path
    let start = file.withBytes { HDF5Superblock.start(in: $0) } ?? 0
    self.start = start
    let tree: HDF5Tree
    do throws(HDF5Failure) {
      tree = try file.withBytes { bytes throws(HDF5Failure) in
        try HDF5Tree(HDF5Input(UnsafeRawBufferPointer(rebasing: bytes[start...])))
      }
    } catch {
      switch error {
      case .damaged(let reason), .unsupported(let reason): throw .malformed(path: path, format: .hdf5, reason: reason)
      }
    }
    datasets = tree.datasets
    refusals = tree.refusals
    tensors = tree.datasets.sorted { ($0.value.range.lowerBound, $0.key) < ($1.value.range.lowerBound, $1.key) }
      .map { TensorDescription(name: $0.key, type: $0.value.type, shape: $0.value.shape) }
    metadata = tree.attributes.reduce(into: [:]) { texts, attribute in texts[attribute.key] = attribute.value.string }
    settings = HDF5File.settings(tree)
    try checkListedWeights(tree.weightNames)
    if tensors.isEmpty, let (name, reason) = refusals.min(by: { $0.key < $1.key }) {
      throw .malformedTensor(path: path, tensor: name, reason: reason)
    }
  }

  private static func settings(_ tree: HDF5Tree) -> JSONObject {
    var settings = tree.attributes
    if let text = settings["config"]?.string, text.hasPrefix("{") {
      do { settings["config"] = try JSON(parsing: text) } catch {
        // A text that is no JSON stays a text; whoever needs an object says so.
      }
    }
    if !tree.weightNames.isEmpty { settings[HDF5Tree.weightNamesKey] = .object(tree.weightNames) }
    return settings
  }

  /// Every weight of Keras' lists is there.
  private func checkListedWeights(_ lists: JSONObject) throws(CheckpointError) {
    for (group, list) in lists {
      for name in (list.array ?? []).compactMap(\.string) {
        let whole = group.isEmpty ? name : group + "/" + name
        guard datasets[whole] == nil else { continue }
        throw .malformedTensor(
          path: path, tensor: whole, reason: refusals[whole] ?? "listed in weight_names, but not in the file")
      }
    }
  }

  var path: String { file.path }
  var format: CheckpointFormat { .hdf5 }
  var files: [String] { [file.path] }

  func description(of name: String) -> TensorDescription? {
    datasets[name].map { TensorDescription(name: name, type: $0.type, shape: $0.shape) }
  }

  /// - Throws: `CheckpointError.missingTensor`; `.malformedTensor` for what has the name, but is no tensor to be read.
  func contents(of name: String) throws(CheckpointError) -> TensorContents {
    guard let dataset = datasets[name] else {
      if let reason = refusals[name] { throw .malformedTensor(path: path, tensor: name, reason: reason) }
      throw .missingTensor(path: path, tensor: name)
    }
    let range = start + dataset.range.lowerBound..<start + dataset.range.upperBound
    return TensorContents(
      FileRegion(file: file, range: range), type: dataset.type,
      layout: StridedLayout(contiguous: dataset.shape))
  }

  /// What describes the datasets is all over the file.
  func header(of path: String) -> UnsafeRawBufferPointer? { nil }
}
