/// A value of a pickle. Containers are numbers of places in the `Pickle` that has their items: shared or circular as
/// they may be, they are never copied, and none has to be taken apart recursively.
enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  /// A whole number that no Int can hold: two's complement, little-endian.
  case long([UInt8])
  case number(Double)
  case string(String)
  case bytes([UInt8])
  case list(Int)
  case tuple(Int)
  /// Keys and values take turns among the items. A key may be there twice: then the last one counts.
  case dictionary(Int)
  /// An object that is nothing but its attributes, argparse.Namespace; they lie as in a dictionary.
  case namespace(Int)
  case global(PickleGlobal)
  case storage(Int)
  case tensor(Int)
  /// A numpy.dtype, by its code: "f4".
  case numpyType(String)
  /// A harmless object of which nothing is kept.
  case opaque
}

/// Bytes that tensors are views of, as a persistent id names them.
struct PickleStorage: Hashable {
  /// Nil for bytes whose tensors know their type themselves (torch.UntypedStorage).
  let type: ElementType?
  let key: String
  /// Elements; bytes of an untyped one.
  let count: Int
  /// The part of it that is meant, in elements (before PyTorch 0.4, in the legacy form).
  let view: Range<Int>?

  var elementSize: Int { type?.size ?? 1 }
}

/// Arguments of torch._utils._rebuild_tensor…, of which only the types have been checked.
struct PickleTensor {
  let storage: Int
  let type: ElementType
  /// In elements, as the strides.
  let offset: Int
  let sizes: [Int]
  let strides: [Int]
}

/// What a pickle says.
struct Pickle {
  let root: PickleValue
  /// The items of the containers.
  let items: [[PickleValue]]
  let storages: [PickleStorage]
  let tensors: [PickleTensor]
  /// The byte after it.
  let end: Int

  /// The members of a dictionary, in order; nil for another value.
  func members(of value: PickleValue) -> [(key: PickleValue, value: PickleValue)]? {
    switch value {
    case .dictionary(let place), .namespace(let place):
      let items = items[place]
      return stride(from: 0, to: items.count, by: 2).map { (items[$0], items[$0 + 1]) }
    default: return nil
    }
  }

  /// The member of a dictionary; the last one where several have the name.
  func member(_ name: String, of value: PickleValue) -> PickleValue? {
    members(of: value)?.last { if case .string(name) = $0.key { true } else { false } }?.value
  }
}
