import CKernels
import Glibc

/// Chooses for each kind of product what computes it: the plain kernels, or an installed library that is clearly
/// faster.
///
/// A kind is measured when it is first met, in some milliseconds, and remembered in a file, so that the next run, or
/// the rest of this one after an interruption, is equal to the bit. Where nothing can be remembered, all have the plain
/// kernels. A library is loaded when it is measured or was chosen, and not otherwise.
///
/// The file's choices hold for one processor, one state of each library's file, and the environment that libraries look
/// at: one that is installed, or replaced, is measured. To measure again in any case, delete the file.
final class ProductChoices {
  /// The libraries that are installed, by what the loader finds.
  let libraries: [BLAS]
  private let file: ChoiceFile
  private let threads: Int
  private let scratch: UnsafeMutableRawPointer
  /// What was chosen for the kinds met so far, in that order.
  private(set) var kinds: [(kind: ProductKind, provider: BLAS)] = []
  /// The same for every product to look up.
  private var gemms: [ProductKind: ck_gemm_kernel] = [:]

  /// What libraries choose their kernels by.
  private static let variables = [
    "DNNL_MAX_CPU_ISA", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA", "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
  ]

  /// - Parameters:
  ///   - scratch: CK_WORKER_SCRATCH_BYTES, to be used between products.
  ///   - threads: threads that share a product.
  /// - Returns: nil where no library is installed.
  init?(file: String, threads: Int, scratch: UnsafeMutableRawPointer) {
    var libraries: [BLAS] = []
    var machine = [String(cString: ck_processor_description()), "plain \(CK_PLAIN_GEMM_REVISION)"]
    for provider in BLAS.providers {
      guard let state = provider.installedFile else { continue }
      libraries.append(provider)
      machine.append(state)
    }
    if libraries.isEmpty { return nil }
    for variable in ProductChoices.variables {
      if let value = getenv(variable) { machine.append("\(variable)=\(String(cString: value))") }
    }
    let name = machine.joined(separator: "; ").map { $0.isNewline || $0 == "\t" ? " " : $0 }
    self.file = ChoiceFile(path: file, machine: String(name))
    self.libraries = libraries
    self.threads = threads
    self.scratch = scratch
  }

  /// What computes c[m, n] = op(a)·op(b) of float32 numbers.
  func gemm(transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int) -> ck_gemm_kernel {
    let kind = ProductKind(transposeA: transposeA, transposeB: transposeB, m: m, n: n, k: k, threads: threads)
    guard let kind else { return ck_plain_gemm() }
    if let known = gemms[kind] { return known }
    let chosen = choose(kind)
    let gemm = chosen.gemm ?? ck_plain_gemm()
    gemms[kind] = gemm
    kinds.append((kind, chosen))
    return gemm
  }

  private func choose(_ kind: ProductKind) -> BLAS {
    func provider(_ name: String) -> BLAS? { BLAS.providers.first { $0.rawValue == name && $0.gemm != nil } }
    let name = file.choice(for: kind.name) {
      provider($0) != nil
    } choose: {
      fastest(kind).rawValue
    }
    return name.flatMap(provider) ?? .plain
  }

  private func fastest(_ kind: ProductKind) -> BLAS {
    let usable = ([.plain] + libraries).compactMap { provider in provider.gemm.map { (provider, $0) } }
    guard usable.count > 1, let calibration = ProductCalibration(kind, scratch: scratch) else { return .plain }
    return usable[calibration.fastest(usable.map(\.1))].0
  }
}
