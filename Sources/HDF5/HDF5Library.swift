import CHDF5

/// The library that writes HDF5 files. It is loaded when it is first asked for.
public struct HDF5Library: Sendable {
  /// "1.14.5".
  public let version: String
  /// The file that was loaded.
  public let path: String

  /// - Throws: `NotFound`.
  public static func load() throws(NotFound) -> HDF5Library {
    let found = chdf5_load().pointee
    guard found.available else {
      throw NotFound(reason: found.reason.map { String(cString: $0) } ?? "unknown reason")
    }
    return HDF5Library(
      version: "\(found.version.0).\(found.version.1).\(found.version.2)",
      path: found.path.map { String(cString: $0) } ?? "")
  }

  public struct NotFound: Error, Equatable, CustomStringConvertible {
    public let reason: String
    public var description: String { "libhdf5 cannot be used: \(reason); install hdf5-tools" }
  }

  /// What the library could not do, in its words.
  public struct Failure: Error, Equatable, CustomStringConvertible {
    public let reason: String
    public var description: String { "libhdf5: \(reason)" }

    init(_ reason: UnsafePointer<CChar>?) { self.reason = reason.map { String(cString: $0) } ?? "unknown reason" }
  }
}
