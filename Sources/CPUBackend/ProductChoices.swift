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
  /// The same for every product to look up, by the index of the kind: a place in `gemms`, or 0.
  private let places: UnsafeMutablePointer<UInt8>
  private let gemms: UnsafeMutablePointer<UnsafePointer<ck_gemm>>

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
    places = .allocate(capacity: ProductKind.count)
    places.initialize(repeating: 0, count: ProductKind.count)
    gemms = .allocate(capacity: BLAS.providers.count + 1)
    gemms.initialize(repeating: ck_plain_gemm(), count: BLAS.providers.count + 1)
  }

  deinit {
    places.deallocate()
    gemms.deallocate()
  }

  /// What computes c[m, n] = op(a)·op(b) of float32 numbers.
  func gemm(transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int) -> UnsafePointer<ck_gemm> {
    let kind = ProductKind(transposeA: transposeA, transposeB: transposeB, m: m, n: n, k: k, threads: threads)
    guard let kind else { return gemms[0] }
    if places[kind.index] == 0 { choose(kind) }
    return gemms[Int(places[kind.index])]
  }

  private func choose(_ kind: ProductKind) {
    func provider(_ name: String) -> BLAS? { BLAS.providers.first { $0.rawValue == name && $0.gemm != nil } }
    let name = file.choice(for: kind.name) {
      provider($0) != nil
    } choose: {
      fastest(kind).rawValue
    }
    let chosen = name.flatMap(provider) ?? .plain
    let place = 1 + (BLAS.providers.firstIndex(of: chosen) ?? 0)
    gemms[place] = chosen.gemm ?? gemms[0]
    places[kind.index] = UInt8(place)
    kinds.append((kind, chosen))
  }

  private func fastest(_ kind: ProductKind) -> BLAS {
    let usable = ([.plain] + libraries).compactMap { provider in provider.gemm.map { (provider, $0) } }
    guard usable.count > 1, let calibration = ProductCalibration(kind, scratch: scratch) else { return .plain }
    defer { calibration.release() }
    return usable[calibration.fastest(usable.map(\.1))].0
  }
}
