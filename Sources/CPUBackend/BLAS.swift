import CKernels
import Tensors

/// What multiplies matrices.
public enum BLAS: String, Sendable, CaseIterable {
  /// For each kind of product the fastest of what is installed, measured once on this machine (`ProductChoices`).
  case automatic = "auto"
  /// The C kernels of this package.
  case plain
  case openBLAS = "openblas"
  case oneDNN = "onednn"
  case mkl

  /// What computes products by itself: all but `automatic`.
  public static let providers: [BLAS] = [.plain, .openBLAS, .oneDNN, .mkl]

  /// Those of `providers` that can be used on this machine. Loads them.
  public static var available: [BLAS] { providers.filter { $0.gemm != nil } }

  /// As people write it: "plain C", "OpenBLAS".
  public var name: String {
    switch self {
    case .automatic: "automatic"
    case .plain: "plain C"
    case .openBLAS: "OpenBLAS"
    case .oneDNN: "oneDNN"
    case .mkl: "MKL"
    }
  }
}

/// What multiplies matrices on a device, as `doctor` shows it.
public struct BLASInfo: Sendable, Hashable {
  /// Its name; where it is chosen for each kind of product, "the fastest of plain C, OpenBLAS".
  public var name: String
  /// The library's own words: version and build options. nil for the plain kernels.
  public var version: String?
  /// The processor whose kernels the library chose, where it says so.
  public var core: String?
  /// The file that was loaded.
  public var path: String?

  public init(name: String, version: String? = nil, core: String? = nil, path: String? = nil) {
    self.name = name
    self.version = version
    self.core = core
    self.path = path
  }
}

extension BLAS {
  /// The library's name in C; nil for what is none.
  var library: ck_library_name? {
    switch self {
    case .automatic, .plain: nil
    case .openBLAS: ck_openblas
    case .oneDNN: ck_onednn
    case .mkl: ck_mkl
    }
  }

  /// Finds what computes; loads the library on first use.
  /// - Throws: `DeviceError.unavailable` for a library that cannot be used: why, and what to install.
  func resolve() throws(DeviceError) -> (gemm: ck_gemm_kernel, info: BLASInfo) {
    guard let library else { return (ck_plain_gemm(), BLASInfo(name: BLAS.plain.name)) }
    let found = ck_library_load(library).pointee
    func text(_ string: UnsafePointer<CChar>?) -> String? { string.map { String(cString: $0) } }
    if let reason = text(found.reason) {
      throw .unavailable("\(name) cannot be used: \(reason); \(installation)")
    }
    let info = BLASInfo(name: name, version: text(found.version), core: text(found.core), path: text(found.path))
    return (found.kernel, info)
  }

  /// nil for a library that cannot be used. Loads it.
  var gemm: ck_gemm_kernel? {
    do { return try resolve().gemm } catch { return nil }
  }

  /// The file that the loader finds of a library, and its state, in one line; nil where it is not installed. Loads
  /// nothing.
  var installedFile: String? {
    guard let library else { return nil }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 2048) { line in
      guard let start = line.baseAddress, ck_library_find(library, start, line.count) else { return nil }
      return String(cString: start)
    }
  }

  /// What to do for a library that is missing.
  private var installation: String {
    switch self {
    case .automatic, .plain: ""
    case .openBLAS: "install libopenblas0-pthread"
    case .oneDNN: "install libdnnl3 (or libdnnl2)"
    case .mkl: "pip install mkl, or Intel's intel-oneapi-mkl, and name the folder of libmkl_rt in LD_LIBRARY_PATH"
    }
  }
}
