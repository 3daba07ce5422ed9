import Synchronization
import Tensors

/// Which documents need no reading any more. The thread that writes knows it; those that read and tokenise look here, late
/// perhaps, to save work: whether a document is wanted is decided again, exactly, when its tokens are written.
final class DocumentFilter: Sendable {
  /// Where a document's place in the sample comes from.
  enum Keys: Sendable {
    /// Its number in the input.
    case number
    /// Its text, so that copies have the same place.
    case text
  }

  private let keys: Keys?
  private let seed: UInt64
  private let largestKey = Atomic<UInt64>(.max)
  private let passedDocument = Atomic<Int>(-1)

  /// - Parameters:
  ///   - keys: nil where every document is wanted.
  ///   - seed: that of the preparation.
  init(keys: Keys?, seed: UInt64) {
    self.keys = keys
    // The validation documents are chosen by the values of `seed` itself.
    self.seed = SplitMix64.value(seed: seed, at: .max)
  }

  var keysAreNumbers: Bool { keys == .number }

  /// The smaller, the earlier the document is part of a sample. Distinct for distinct numbers.
  func key(document: Int) -> UInt64 { SplitMix64.value(seed: seed, at: UInt64(document)) }

  func key(_ hash: TextHash) -> UInt64 { SplitMix64.value(seed: seed, at: hash.high) }

  func mayWant(document: Int) -> Bool {
    !keysAreNumbers || key(document: document) <= largestKey.load(ordering: .relaxed)
  }

  func mayWant(_ hash: TextHash) -> Bool { keys != .text || key(hash) <= largestKey.load(ordering: .relaxed) }

  /// Documents with larger keys are no longer wanted.
  func lower(to key: UInt64) { largestKey.store(key, ordering: .relaxed) }

  /// The rest of this document, the open one, is not wanted.
  func pass(document: Int) { passedDocument.store(document, ordering: .relaxed) }

  func isPassed(_ document: Int) -> Bool { passedDocument.load(ordering: .relaxed) == document }
}
