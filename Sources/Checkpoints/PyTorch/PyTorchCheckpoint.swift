import Files

/// One file of torch.save, in the form since PyTorch 1.6 or the one before. The pickle in it is interpreted and never
/// executed (`PickleMachine`). Its tensors are those of the state dictionary: see `StateDictionary`.
struct PyTorchCheckpoint: CheckpointReader {
  /// In the order of their storages in the file.
  let tensors: [TensorDescription]
  let settings: JSONObject
  let format: CheckpointFormat
  private let file: MappedFile
  private let headerRange: Range<Int>?
  private let entries: [String: (tensor: TensorDescription, contents: TensorContents)]

  /// - Throws: `CheckpointError.malformed`, `.malformedTensor`, `.refusedPickle`, `.file`.
  init(_ file: MappedFile) throws(CheckpointError) {
    self.file = file
    let parts: PyTorchFile
    let state: StateDictionary
    do throws(PyTorchFailure) {
      parts = try PyTorchFile.isZip(file) ? PyTorchFile(zip: file) : PyTorchFile(legacy: file)
      state = try StateDictionary(parts.pickle)
    } catch { throw error.error(in: file.path) }
    format = parts.format
    headerRange = parts.header
    settings = state.settings

    var places: [PickleStorage: PyTorchFile.Place] = [:]
    var entries: [String: (tensor: TensorDescription, contents: TensorContents)] = [:]
    var ordered: [(offset: Int, tensor: TensorDescription)] = []
    for (name, tensor) in state.tensors {
      let storage = parts.pickle.storages[tensor.storage]
      let place: PyTorchFile.Place
      if let known = places[storage] {
        place = known
      } else {
        do throws(PyTorchFailure) { place = try parts.place(storage) } catch { throw error.error(in: file.path) }
        places[storage] = place
      }
      // An untyped storage counts bytes.
      let count = place.count * storage.elementSize / tensor.type.size
      guard let layout = PyTorchCheckpoint.layout(of: tensor, count: count) else {
        throw .malformedTensor(
          path: file.path, tensor: name,
          reason: "shape \(tensor.sizes) with strides \(tensor.strides) from element \(tensor.offset) on is not in its "
            + "storage of \(count) elements, or too large for any")
      }
      let description = TensorDescription(name: name, type: tensor.type, shape: tensor.sizes)
      entries[name] = (description, TensorContents(place.storage, type: tensor.type, layout: layout))
      ordered.append((place.offset, description))
    }
    self.entries = entries
    tensors = ordered.enumerated().sorted { ($0.element.offset, $0.offset) < ($1.element.offset, $1.offset) }
      .map(\.element.tensor)
  }

  /// Of what is repeated by strides of 0: the bytes of all tensors, at most `StateDictionary.mostTensors`, still have a
  /// sum.
  private static let mostElements = 1 << 40

  private static func layout(of tensor: PickleTensor, count: Int) -> StridedLayout? {
    guard
      let layout = StridedLayout(checking: tensor.offset, sizes: tensor.sizes, strides: tensor.strides, count: count),
      layout.elementCount <= mostElements
    else { return nil }
    // Nothing may be anywhere.
    return layout.elementCount == 0 ? StridedLayout(contiguous: tensor.sizes) : layout
  }

  var path: String { file.path }
  var files: [String] { [file.path] }
  var metadata: [String: String] { [:] }

  func description(of name: String) -> TensorDescription? { entries[name]?.tensor }

  func contents(of name: String) throws(CheckpointError) -> TensorContents {
    guard let entry = entries[name] else { throw .missingTensor(path: path, tensor: name) }
    return entry.contents
  }

  func header(of path: String) -> UnsafeRawBufferPointer? {
    guard path == file.path, let headerRange else { return nil }
    return UnsafeRawBufferPointer(rebasing: file.bytes[headerRange])
  }
}

extension PyTorchFile {
  static func isZip(_ file: MappedFile) -> Bool { file.withBytes { $0.starts(with: [0x50, 0x4B, 0x03, 0x04]) } }

  /// Protocol 2 or newer, as every file of torch.save since 2016.
  static func isPickle(_ file: MappedFile) -> Bool {
    file.withBytes { $0.count >= 2 && $0[0] == PickleOpcode.proto.rawValue && $0[1] <= 5 }
  }
}
