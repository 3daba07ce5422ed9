import CKernels
import Tensors

/// What multiplies matrices.
public enum BLAS: Sendable, Hashable {
  /// OpenBLAS when it is found, else the C kernels of this package.
  case automatic
  /// OpenBLAS, or an error that says why it cannot be used.
  case openBLAS
  /// The C kernels of this package.
  case plain
}

/// The library that a device multiplies matrices with, as `doctor` shows it.
public struct BLASInfo: Sendable, Hashable {
  /// "OpenBLAS" or "plain C".
  public var name: String
  /// The library's own words: version and build options. nil for the plain kernels.
  public var version: String?
  /// The processor whose kernels the library chose.
  public var core: String?
  /// The file that was loaded.
  public var path: String?
  /// Why OpenBLAS was not found, when it was looked for and the plain kernels had to do.
  public var fallbackReason: String?

  public init(
    name: String, version: String? = nil, core: String? = nil, path: String? = nil, fallbackReason: String? = nil
  ) {
    self.name = name
    self.version = version
    self.core = core
    self.path = path
    self.fallbackReason = fallbackReason
  }
}

extension BLAS {
  /// Finds the library; loads it on first use.
  func resolve() throws(DeviceError) -> (gemm: UnsafePointer<ck_gemm>, info: BLASInfo) {
    let plain = ck_plain_gemm()
    var info = BLASInfo(name: String(cString: plain.pointee.name))
    if self == .plain { return (plain, info) }

    let found = ck_openblas_load()
    guard found.pointee.available else {
      let reason = found.pointee.reason.map { String(cString: $0) } ?? "unknown reason"
      if self == .openBLAS {
        throw .unavailable("OpenBLAS cannot be used: \(reason); install libopenblas0-pthread")
      }
      info.fallbackReason = reason
      return (plain, info)
    }
    info.name = String(cString: found.pointee.gemm.pointee.name)
    info.version = found.pointee.version.map { String(cString: $0) }
    info.core = found.pointee.core.map { String(cString: $0) }
    info.path = found.pointee.path.map { String(cString: $0) }
    return (found.pointee.gemm, info)
  }
}
