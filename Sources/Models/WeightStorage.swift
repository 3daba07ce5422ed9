import Checkpoints
import Programs
import Tensors

extension Model {
  /// The type of two bytes in which a checkpoint has every matrix that rows are multiplied by or looked up in; nil when
  /// they are wider, or not all of one type. A model that is only run may keep them so, and loses nothing.
  public func narrowWeights(of checkpoint: any CheckpointReader) -> DType? {
    let matrices = Set(parameters.filter { $0.role == .linear || $0.role == .embedding }.map(\.name))
    var found: DType?
    for entry in weights.entries {
      guard let parameter = entry.parameter, matrices.contains(parameter) else { continue }
      let name = weights.fileName(of: entry) { checkpoint.description(of: $0) != nil }
      let type = name.flatMap(checkpoint.description)?.type.narrow
      guard let type, found == nil || found == type else { return nil }
      found = type
    }
    return found
  }
}

extension ElementType {
  fileprivate var narrow: DType? { size == 2 ? DType(self) : nil }
}

extension DType {
  /// The same type on a device; nil where there is none.
  init?(_ type: ElementType) {
    switch type {
    case .float32: self = .float32
    case .bfloat16: self = .bfloat16
    case .float16: self = .float16
    default: return nil
    }
  }
}
