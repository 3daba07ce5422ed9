import Checkpoints

/// The part of a model that a tensor belongs to, as `inherit --parts` names it.
public enum ModelPart: String, Sendable, CaseIterable {
  case attention, mlp, norms, embeddings, positions
  case finalNorm = "final-norm"
  case head

  /// What the code published with the paper copies: blocks and head; in GPT-2, where they are one matrix, the embedding with
  /// the head. Position embeddings, final norm, and LLaMA's embedding start anew, although the paper says that the
  /// embedding is inherited (github.com/sanyalsunny111/LLM-Inheritune, `train_iniheritune.py` and `lit-gpt/Training/train.py`).
  public static let published: Set<ModelPart> = [.attention, .mlp, .norms, .head]
}

/// One line of the table between a checkpoint and the parameters: a tensor's name and shape in Hugging Face files, and
/// the parameter (or the part of a packed one) that holds it.
public struct WeightEntry: Sendable, Hashable {
  /// Where the tensor's elements live.
  public enum Content: Sendable, Hashable {
    /// In a parameter: where the elements, in the file's order, are among its own. The last axis is contiguous.
    case parameter(String, StridedLayout)
    /// Nowhere: the architecture's files have it, this model does not. Written as zeros, accepted only as zeros.
    case zeros
  }

  public var name: String
  public var shape: [Int]
  public var content: Content
  public var part: ModelPart
  /// The block it belongs to, nil outside the blocks.
  public var layer: Int?

  public var elementCount: Int { shape.reduce(1, *) }
  public var parameter: String? {
    if case .parameter(let name, _) = content { return name }
    return nil
  }
}

extension StridedLayout {
  /// The elements `range`, in the layout's order, of a parameter.
  /// - Parameter read: the elements asked for, in the parameter's order.
  /// - Precondition: the last axis is contiguous.
  public func gather(_ range: Range<Int>, _ read: (Range<Int>) throws -> [Float]) rethrows -> [Float] {
    var values: [Float] = []
    values.reserveCapacity(range.count)
    try forEachRun(range) { run in values += try read(run.start..<run.start + run.count) }
    return values
  }
}

/// Checkpoint tensors ↔ parameters of one model.
public struct WeightMap: Sendable {
  /// In the model's order.
  public var entries: [WeightEntry]
  /// The prefix of the base model (`transformer.`, `model.`), which files saved without a head lack.
  public var basePrefix: String
  /// Other names under which a tensor may be found: canonical name → alternatives. A tied head is one.
  public var alternatives: [String: [String]] = [:]
  /// Ends of names that carry no weights: masks and tables that older files store as buffers.
  public var ignoredSuffixes: [String] = []

  /// The name of `entry` in a file, of which `has` tells the names; nil when it is not there.
  public func fileName(of entry: WeightEntry, where has: (String) -> Bool) -> String? {
    for name in [entry.name] + (alternatives[entry.name] ?? []) {
      if has(name) { return name }
      if name.hasPrefix(basePrefix) {
        let bare = String(name.dropFirst(basePrefix.count))
        if has(bare) { return bare }
      }
    }
    return nil
  }

  /// Whether a tensor that no entry names may be left aside.
  public func isIgnored(_ name: String) -> Bool {
    ignoredSuffixes.contains { name.hasSuffix($0) } || alternatives.values.contains { $0.contains(name) }
  }
}
