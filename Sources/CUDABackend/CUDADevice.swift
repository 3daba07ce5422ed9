import CCUDA
import Tensors

/// One NVIDIA GPU, by way of the table of functions that libinheritune_cuda.so exports.
///
/// Kernels and uploads do not wait, and do not throw: the first of them that fails is remembered, and thrown by the
/// next `synchronize`, `download`, `record` or `Replay.run`. One device is used from one thread at a time.
public final class CUDADevice: Device {
  public let info: DeviceInfo
  /// In pinned memory. The device has a copy; see `storeScalars`.
  public let scalars: UnsafeMutablePointer<StepScalars>
  public let options: CUDAOptions
  public let hardware: CUDADeviceInfo

  let table: UnsafePointer<ic_table>
  let context: OpaquePointer
  /// Of the first kernel or upload that failed since it was last thrown.
  var failure: DeviceError?
  /// Kernels are prepared or captured, not launched.
  var isRecording = false
  /// What the device's copy of the scalars holds.
  private var stored = StepScalars()
  private var allocations: Set<UnsafeMutableRawPointer> = []

  /// - Throws: `DeviceError.unavailable`, with what is missing and how to get it.
  public convenience init(options: CUDAOptions = CUDAOptions(), library path: String? = nil) throws(DeviceError) {
    try self.init(library: try CUDALibrary.load(path: path), options: options)
  }

  public init(library: CUDALibrary, options: CUDAOptions) throws(DeviceError) {
    precondition(MemoryLayout<StepScalars>.size == MemoryLayout<ic_step_scalars>.size)
    table = library.table
    self.options = options
    hardware = try library.deviceInfo(options.device)
    var created: OpaquePointer?
    try table.call { table, reason, capacity in
      withOptionalCString(options.libraryFolders) { folders in
        withOptionalCString(options.algorithmCache) { cache in
          var settings = ic_context_options(
            device: Int32(clamping: options.device),
            math: options.math == .tensorFloat32 ? IC_MATH_TFLOAT32 : IC_MATH_FLOAT32, check: options.check ? 1 : 0,
            tune: options.tunes ? 1 : 0, library_folders: folders, algorithm_cache: cache)
          return table.context_create(&settings, &created, reason, capacity)
        }
      }
    }
    context = created!
    scalars = UnsafeMutableRawPointer(table.pointee.scalars(context)!).assumingMemoryBound(to: StepScalars.self)
    info = DeviceInfo(
      name: hardware.name, threads: 1, dtypes: [.float32, .bfloat16],
      peakOperationsPerSecond: CUDADeviceInfo.peakOperationsPerSecond(ofCard: hardware.name), isAccelerator: true)
  }

  deinit {
    for address in allocations { _ = table.pointee.release(context, UInt64(UInt(bitPattern: address))) }
    table.pointee.context_destroy(context)
  }

  // MARK: Memory

  public func allocate(bytes: Int) throws(DeviceError) -> UnsafeMutableRawPointer {
    guard bytes >= 0 else { throw .outOfMemory(requested: bytes) }
    var address: UInt64 = 0
    let status = table.pointee.allocate(context, UInt64(bytes), &address)
    if status == IC_OUT_OF_MEMORY { throw .outOfMemory(requested: bytes) }
    guard status == IC_OK, let pointer = UnsafeMutableRawPointer(bitPattern: UInt(address)) else {
      throw lastError
    }
    allocations.insert(pointer)
    return pointer
  }

  public func release(_ address: UnsafeMutableRawPointer) {
    guard allocations.remove(address) != nil else {
      preconditionFailure("released an address that this device did not allocate")
    }
    note(table.pointee.release(context, UInt64(UInt(bitPattern: address))))
  }

  /// Bytes of the device's memory that are free, and all it has; other programs use it too.
  public func memory() throws(DeviceError) -> (free: Int, total: Int) {
    var free: UInt64 = 0
    var total: UInt64 = 0
    try check(table.pointee.memory_info(context, &free, &total))
    return (Int(free), Int(total))
  }

  public func upload(_ host: UnsafeRawBufferPointer, to tensor: Tensor) {
    guard let source = host.baseAddress else { return }
    note(table.pointee.upload(context, source, ic_tensor(tensor)))
  }

  public func download(_ tensor: Tensor, to host: UnsafeMutableRawBufferPointer) throws(DeviceError) {
    try throwFailure()
    guard let target = host.baseAddress else { return try synchronize() }
    try check(table.pointee.download(context, ic_tensor(tensor), target))
  }

  public func synchronize() throws(DeviceError) {
    try throwFailure()
    try check(table.pointee.synchronize(context))
  }

  // MARK: What it computes with

  /// What multiplies matrices and what attends: "cuBLASLt 13.0.2 (/usr/lib/…)", or why another way is taken.
  public var engines: (matmul: String, attention: String) {
    var info = ic_context_info()
    table.pointee.context_info(context, &info)
    func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
    return (withUnsafeBytes(of: info.matmul, text), withUnsafeBytes(of: info.attention, text))
  }

  // MARK: Scalars

  /// Gives the device the scalars as they are now, if they have changed.
  func storeScalars() -> ic_status {
    var current = scalars.pointee
    current.nonFinite = 0
    guard current != stored else { return IC_OK }
    let status = table.pointee.store_scalars(context)
    if status == IC_OK { stored = current }
    return status
  }

  // MARK: Errors

  /// Remembers a failure that the caller cannot throw.
  func note(_ status: ic_status) {
    if status != IC_OK, failure == nil { failure = lastError }
  }

  func check(_ status: ic_status) throws(DeviceError) {
    if status != IC_OK { throw lastError }
  }

  /// Throws the failure that was remembered, once.
  func throwFailure() throws(DeviceError) {
    guard let failure else { return }
    self.failure = nil
    throw failure
  }

  private var lastError: DeviceError { .kernel(String(cString: table.pointee.last_error(context)!)) }
}

private func withOptionalCString<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
  guard let text else { return body(nil) }
  return text.withCString(body)
}
