import CKernels
import Tensors

/// The processor: float32 kernels in C on a pool of threads, matrix products also by a library where one is installed.
///
/// Kernels run when they are called, so `synchronize` has nothing to wait for. One device is used from one thread at
/// a time. The kernels are in extensions, one file per section of `Device`.
public final class CPUDevice: Device {
  public let info: DeviceInfo
  public let scalars: UnsafeMutablePointer<StepScalars>
  /// Threads that compute, the caller's included.
  public let threads: Int
  /// What multiplies matrices, as found on this machine.
  public let blas: BLASInfo

  let pool: OpaquePointer
  /// What multiplies where nothing is chosen.
  let gemm: ck_gemm_kernel
  let choices: ProductChoices?
  /// Bytes of every allocation that has not been released.
  private var allocations: [UnsafeMutableRawPointer: Int] = [:]

  /// - Parameters:
  ///   - threads: at most 1024; nil uses the processors this process may run on (`Processors.available`).
  ///   - blas: what multiplies matrices.
  ///   - choiceFile: where `automatic` remembers what it chose, because the next run may have to be equal to this one
  ///     to the bit. Without such a place it takes the plain kernels.
  /// - Throws: `DeviceError.unavailable` when the threads cannot be started, or `blas` is a library that cannot be
  ///   used.
  public init(threads: Int? = nil, blas: BLAS = .automatic, choiceFile: String? = nil) throws(DeviceError) {
    let threads = threads ?? Processors.available
    guard (1...1024).contains(threads) else {
      throw .unavailable("the CPU device takes 1 to 1024 threads, not \(threads)")
    }
    let (gemm, found) = try blas.resolve()
    guard let pool = ck_pool_create(Int32(threads)) else {
      throw .unavailable("could not start \(threads) threads; pass --threads with a smaller number")
    }
    self.pool = pool
    self.threads = threads
    self.gemm = gemm
    if blas == .automatic, let choiceFile {
      choices = ProductChoices(file: choiceFile, threads: threads, scratch: ck_pool_scratch(pool, 0))
    } else {
      choices = nil
    }
    self.blas =
      choices.map { choices in
        BLASInfo(name: "the fastest of " + ([.plain] + choices.libraries).map(\.name).joined(separator: ", "))
      } ?? found
    let count = threads == 1 ? "1 thread" : "\(threads) threads"
    info = DeviceInfo(
      name: "CPU (\(count), \(self.blas.name))", threads: threads, momentTypes: [.float32, .bfloat16],
      weightTypes: [.bfloat16, .float16],
      scratchBytes: CPUDevice.scratchBytes(blas == .automatic && choices == nil ? .plain : blas, threads: threads))
    scalars = .allocate(capacity: 1)
    scalars.initialize(to: StepScalars())
  }

  deinit {
    for (address, bytes) in allocations { ck_unmap(address, bytes) }
    scalars.deallocate()
    ck_pool_destroy(pool)
  }

  /// What `automatic` chose, of the products that were computed so far. "NT 384 96 384" stands for all whose second
  /// matrix is transposed, and of which a thread computes, rounded down, [384, 384]·[384, 96]. Small products are not
  /// among them, nor those with narrow weights: they have the plain kernels.
  public var chosenProducts: [(product: String, provider: BLAS)] {
    choices?.kinds.map { ($0.kind.name, $0.provider) } ?? []
  }

  /// Memory that kernels take besides what is allocated: their own scratch, and what libraries pack matrices in, with
  /// their code, as measured with the products of GPT-2.
  private static func scratchBytes(_ blas: BLAS, threads: Int) -> Int {
    let (once, thread) =
      switch blas {
      case .plain: (2, 2)
      case .openBLAS: (4, 4)
      case .automatic, .oneDNN, .mkl: (12, 10)
      }
    return (once + threads * thread) << 20
  }

  // MARK: Memory

  public func allocate(bytes: Int) throws(DeviceError) -> UnsafeMutableRawPointer {
    let size = max(bytes, 1)
    guard bytes >= 0, let address = ck_map(size) else { throw .outOfMemory(requested: bytes) }
    allocations[address] = size
    return address
  }

  public func release(_ address: UnsafeMutableRawPointer) {
    guard let bytes = allocations.removeValue(forKey: address) else {
      preconditionFailure("released an address that this device did not allocate")
    }
    ck_unmap(address, bytes)
  }

  public func upload(_ host: UnsafeRawBufferPointer, to tensor: Tensor) {
    guard let source = host.baseAddress else { return }
    let row = tensor.columns * tensor.dtype.size
    for index in 0..<tensor.rows {
      (tensor.address + index * tensor.stride * tensor.dtype.size)
        .copyMemory(from: source + index * row, byteCount: row)
    }
  }

  public func download(_ tensor: Tensor, to host: UnsafeMutableRawBufferPointer) {
    guard let target = host.baseAddress else { return }
    let row = tensor.columns * tensor.dtype.size
    for index in 0..<tensor.rows {
      (target + index * row)
        .copyMemory(from: tensor.address + index * tensor.stride * tensor.dtype.size, byteCount: row)
    }
  }

  public func synchronize() {}

  // MARK: Replay

  public func record(_ body: @escaping () -> Void) -> any Replay { Recording(body: body) }

  private struct Recording: Replay {
    let body: () -> Void
    func run() { body() }
  }
}
