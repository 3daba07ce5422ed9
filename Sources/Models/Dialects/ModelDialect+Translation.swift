import Checkpoints

/// Every dialect there is. A new one is a file beside this one and a name here.
enum ModelDialects {
  static let all: [any ModelDialect.Type] = [NanoGPT.self, LitGPT.self, TensorFlowGPT2.self, Llama2C.self]

  /// The dialect that a checkpoint is written in; nil for Hugging Face's names, and for unknown ones.
  static func dialect(of checkpoint: any CheckpointReader) -> (any ModelDialect)? {
    for type in all {
      if let dialect = type.init(checkpoint) { return dialect }
    }
    return nil
  }
}

extension ModelDialect {
  var name: String { Self.name }

  /// The model that the checkpoint's own configuration describes.
  /// - Throws: `ModelError.undescribed` when there is none, `ModelError`, `FileError`.
  func model(of checkpoint: any CheckpointReader, in directory: String) throws -> Model {
    guard let configuration = try configuration(in: directory) else {
      throw ModelError.undescribed(path: checkpoint.path, dialect: name, place: Self.configurationPlace)
    }
    return try Model(configuration: configuration, source: checkpoint.path)
  }

  /// The checkpoint with Hugging Face's names and layouts.
  /// - Throws: `ModelError.dialectDoesNotFit` naming, as they are called in the file, all tensors that are missing, left over
  ///   or of another shape; `CheckpointError`.
  func translate(_ checkpoint: any CheckpointReader, for model: Model) throws -> DerivedCheckpoint {
    guard Self.modelTypes.contains(model.modelType) else {
      throw ModelError.otherDialect(
        path: checkpoint.path, dialect: name, modelType: model.modelType, expected: Self.modelTypes)
    }
    var tensors: [DerivedCheckpoint.Tensor] = []
    var problems: [String] = []
    var used: Set<String> = []
    for entry in model.weights.entries {
      guard let place = try place(of: entry, in: model) else {
        if entry.content != .zeros { problems.append("there is no place for '\(entry.name)'") }
        continue
      }
      guard let found = checkpoint.description(of: place.name) else {
        if entry.content != .zeros { problems.append("'\(place.name)' is missing") }
        continue
      }
      used.insert(place.name)
      guard found.shape == place.shape else {
        problems.append("'\(place.name)' is \(WeightMap.text(found.shape)), expected \(WeightMap.text(place.shape))")
        continue
      }
      tensors.append(
        try DerivedCheckpoint.Tensor(
          name: entry.name, shape: entry.shape, of: place.name, in: checkpoint, view: place.view))
    }
    for tensor in checkpoint.tensors
    where !used.contains(tensor.name) && !isIgnored(tensor.name) && tensor.elementCount > 0 {
      problems.append("'\(tensor.name)' is not part of this model")
    }
    guard problems.isEmpty else {
      throw ModelError.dialectDoesNotFit(path: checkpoint.path, dialect: name, problems: problems)
    }
    return try DerivedCheckpoint(checkpoint, tensors: tensors)
  }
}

extension CheckpointReader {
  /// Prefixes that wrappers put before every name: torch.compile, DistributedDataParallel, Lightning's and DeepSpeed's
  /// forward; and a module that has the model as `self.model`, before the names that models themselves begin with.
  private static var wrappers: [(prefix: String, next: [String])] {
    [
      ("_orig_mod.", [""]), ("module.", [""]), ("_forward_module.", [""]),
      ("model.", ["model.", "transformer.", "gpt_neox."]),
    ]
  }

  /// The same checkpoint without what wrappers put before every name.
  /// - Throws: `CheckpointError`.
  func unwrapped() throws(CheckpointError) -> any CheckpointReader {
    var names = tensors.map { Substring($0.name) }
    var length = 0
    while let wrapper = Self.wrappers.first(where: { prefix, next in
      !names.isEmpty && names.allSatisfy { $0.hasPrefix(prefix) }
        && names.contains { name in next.contains { name.dropFirst(prefix.count).hasPrefix($0) } }
    }) {
      names = names.map { $0.dropFirst(wrapper.prefix.count) }
      length += wrapper.prefix.count
    }
    return length == 0 ? self : try DerivedCheckpoint(self) { String($0.dropFirst(length)) }
  }
}
