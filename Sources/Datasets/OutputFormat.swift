/// The kind of files that a preparation writes.
public enum OutputFormat: String, Sendable, CaseIterable {
  /// Raw ids; see `TokenStorage`.
  case bin
  /// Compressed chunks, with the documents' places; see `HDF5TokenWriter`.
  case hdf5
}
