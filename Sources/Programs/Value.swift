import Tensors

/// A named matrix of the graph; a handle, meaningful only with the `Graph` (or `Program`) that made it.
public struct Value: Hashable, Sendable {
  let id: Int32
  var index: Int { Int(id) }
}

/// How an operation touches one of its operands.
enum Access {
  case read
  /// Every element is written, none is read.
  case write
  /// Read and written in place.
  case update
}

/// Where a value lives.
enum Storage: Sendable, Hashable {
  /// In the activation arena, only while it is live.
  case activation
  /// In the activation arena, inside one operation.
  case workspace
  /// Memory of its own that keeps its contents between runs: inputs, results, key/value caches.
  case persistent
  /// Memory that whoever makes the program has: what several programs share.
  case external
  /// Memory of its own, filled once when the program is made.
  case constant(Int)
  /// In the parameter store.
  case parameter
  /// In the parameter store: the gradient of a parameter. Operations only ever add to it.
  case parameterGradient(of: Value)
}

struct ValueInfo: Sendable {
  var name: String
  var rows: Int
  var columns: Int
  var dtype: DType
  var storage: Storage

  var byteCount: Int { rows * columns * dtype.size }
}
