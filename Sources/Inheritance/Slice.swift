import Checkpoints
import Files
import Models
import Programs
import Tensors

/// What is wanted from a reference model.
public struct SliceOptions: Sendable {
  public var layers: LayerPlan
  /// The parts that are inherited; the others are initialised anew.
  public var parts: Set<ModelPart> = Set(ModelPart.allCases)
  /// Of the parts that are initialised anew.
  public var seed: UInt64 = 1337
  /// The element type of the result; nil keeps each tensor's own.
  public var type: ElementType?
  public var format = WeightsFormat.safetensors
  /// Bytes of the tensors of one safetensors file at most.
  public var maximumShardSize = 5_000_000_000
  /// Whether the provenance has the hash of the source's whole contents, and not only of its headers.
  public var hashesContents = false

  public init(layers: LayerPlan) { self.layers = layers }
}

/// How weights are written.
public enum WeightsFormat: String, Sendable, CaseIterable {
  /// model.safetensors, or shards and an index.
  case safetensors
  /// model.h5, one dataset a tensor.
  case hdf5
}

/// The first step of the recipe (arXiv 2404.08634): some blocks of a reference model, with its embedding, final norm and
/// head, as a model of their own.
///
/// Planned when it is made, without reading a tensor; written by `write`. Tensors that stay as they are are copied as byte
/// ranges, never decoded.
public struct Slice: Sendable {
  /// One tensor of the result.
  public struct Tensor: Sendable {
    public var name: String
    public var type: ElementType
    public var shape: [Int]
    /// The source's tensor; nil when it is initialised anew.
    public var source: String?
    let entry: WeightEntry
    let rescaling: ColumnScaling?

    public var byteCount: Int { shape.reduce(type.size, *) }
  }

  public let source: ModelSource
  /// The architecture of the result.
  public let model: Model
  public let options: SliceOptions
  /// In the order of their names, as they are written.
  public let tensors: [Tensor]
  /// The source's files as they were when the slice was planned.
  private let stamps: [FileStamp]

  /// - Throws: `ModelError` when the source's weights do not fit its configuration; `InheritanceError`.
  public init(_ source: ModelSource, options: SliceOptions) throws {
    self.source = source
    self.options = options
    stamps = try source.checkpoint.files.map { path in try FileStamp(path) }
    let reference = source.model
    let child = try reference.selectingLayers(options.layers.layers)
    model = child
    let files = try reference.weights.match(source.checkpoint)
    let names = Dictionary(
      uniqueKeysWithValues: zip(reference.weights.entries, files).compactMap { entry, file in
        file.map { (entry.name, $0) }
      })
    /// The type of what is made anew.
    let commonType = files.lazy.compactMap { $0 }.compactMap { source.checkpoint.description(of: $0)?.type }.first
    tensors = Slice.origins(of: child, in: reference, layers: options.layers.layers).map { entry, origin, rescaling in
      let isWanted = options.parts.contains(entry.part) || child.isTiedHead(entry, in: options.parts)
      let file = isWanted ? names[origin] : nil
      let found = file.flatMap { source.checkpoint.description(of: $0)?.type } ?? commonType ?? .float32
      return Tensor(
        name: entry.name, type: options.type ?? found, shape: entry.shape, source: file, entry: entry,
        rescaling: file == nil ? nil : rescaling)
    }.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  /// Each tensor of the child with the reference's tensor that has its place, and what a moved block must be multiplied with.
  private static func origins(
    of child: Model, in reference: Model, layers: [Int]
  ) -> [(entry: WeightEntry, origin: String, rescaling: ColumnScaling?)] {
    // A family lists the tensors of every block in the same order.
    let blocks = Dictionary(grouping: reference.weights.entries.filter { $0.layer != nil }, by: \.layer)
    var positions = [Int](repeating: 0, count: layers.count)
    return child.weights.entries.map { entry in
      guard let layer = entry.layer, let block = blocks[layers[layer]] else { return (entry, entry.name, nil) }
      defer { positions[layer] += 1 }
      return (
        entry, block[positions[layer]].name, reference.family.rescaling(of: entry, movedFrom: layers[layer])
      )
    }
  }

  public var byteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }

  /// Writes a Hugging Face directory that appears whole or not at all: config.json, weights, the tokenizer's files and
  /// inheritune.json.
  /// - Parameters:
  ///   - replacing: whether a model directory that has the name may be replaced; nothing else is, nor the source.
  ///   - progress: told (bytes hashed and written, all of them) now and then; what it throws ends the writing, and
  ///     nothing is left behind.
  /// - Throws: `FileError` (`.changed` when somebody writes to the source meanwhile), `CheckpointError`, and what
  ///   `progress` throws.
  public func write(
    to destination: String, replacing: Bool, version: String,
    progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws {
    if replacing { try checkReplaceable(destination) }
    let staged = try StagedDirectory(destination, replacing: replacing)
    let hashed = options.hashesContents ? try source.checkpoint.files.reduce(0) { try $0 + MappedFile($1).count } : 0
    let total = hashed + byteCount
    var done = 0
    let provenance =
      JSON.object(
        try Provenance.json(of: self, version: version) { count in
          done += count
          try progress(done, total)
        }
      ).serialized(indent: 2) + "\n"
    try writeWeights(to: staged.path) { written, _ in try progress(hashed + written, total) }
    try ModelDirectory.writeConfiguration(model, to: staged.path, type: commonType)
    if let directory = source.tokenizerDirectory { try ModelDirectory.copyCompanions(from: directory, to: staged.path) }
    try AtomicFile.write(staged.path + "/" + Provenance.fileName) { try $0.write(provenance) }
    // What was read of a file while somebody wrote to it is neither the old model nor the new one.
    for stamp in stamps { try stamp.check() }
    try staged.commit()
  }

  private func writeWeights(to directory: String, progress: (_ done: Int, _ total: Int) throws -> Void) throws {
    let sources = try tensors.map(content)
    switch options.format {
    case .safetensors:
      try SafetensorsWriter.write(
        sources, to: directory, maximumShardSize: options.maximumShardSize, metadata: ["format": "pt"],
        progress: progress)
    case .hdf5:
      try HDF5Writer.write(
        sources, toFile: directory + "/" + HDF5Writer.fileName,
        attributes: ["config": JSON.object(ModelDirectory.configuration(of: model, type: commonType)).serialized()],
        progress: progress)
    }
  }

  /// The type that config.json names: that of most elements.
  private var commonType: ElementType {
    var counts: [ElementType: Int] = [:]
    for tensor in tensors { counts[tensor.type, default: 0] += tensor.byteCount / tensor.type.size }
    return counts.max { ($0.value, $0.key.rawValue) < ($1.value, $1.key.rawValue) }?.key ?? .float32
  }

  /// The slice's weights on a device, without a detour over the disk.
  /// - Parameter group: the optimiser group of each parameter.
  /// - Throws: `CheckpointError`, `DeviceError`.
  public func makeStore(
    on device: any Device, precision: Precision, group: (Parameter) -> ParameterGroup
  ) throws -> ParameterStore {
    let store = try ParameterStore(
      device: device, parameters: model.parameters, precision: precision, group: group)
    for tensor in tensors {
      try store.fill(tensor.entry, path: source.checkpoint.path) { try values(of: tensor, $0, into: $1) }
    }
    return store
  }

  private func content(of tensor: Tensor) throws -> TensorSource {
    let type = tensor.type
    if let name = tensor.source, tensor.rescaling == nil, source.checkpoint.description(of: name)?.type == type {
      return try TensorSource(name: tensor.name, copying: name, of: source.checkpoint)
    }
    return TensorSource(name: tensor.name, type: type, shape: tensor.shape) { elements, bytes in
      var buffer = [Float](repeating: 0, count: elements.count)
      try buffer.withUnsafeMutableBufferPointer { try values(of: tensor, elements, into: $0) }
      buffer.withUnsafeBufferPointer { type.convert($0, into: bytes) }
    }
  }

  /// Elements of a tensor of the result: the source's, or as `ParameterStore.initialize` would start them.
  private func values(
    of tensor: Tensor, _ elements: Range<Int>, into values: UnsafeMutableBufferPointer<Float>
  ) throws {
    guard let name = tensor.source else {
      _ = values.update(fromContentsOf: freshValues(of: tensor, elements))
      return
    }
    try source.checkpoint.read(name, elements: elements, into: values)
    guard let scaling = tensor.rescaling, let columns = tensor.shape.last else { return }
    for index in values.indices where scaling.columns.contains((elements.lowerBound + index) % columns) {
      values[index] *= scaling.factor
    }
  }

  private func freshValues(of tensor: Tensor, _ elements: Range<Int>) -> [Float] {
    guard case .parameter(let name, let layout) = tensor.entry.content,
      let parameter = model.parameters.first(where: { $0.name == name })
    else { return [Float](repeating: 0, count: elements.count) }
    return layout.gather(elements) { parameter.initialValues($0, seed: options.seed) }
  }
}
