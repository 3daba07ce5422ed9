import Tensors

/// A device that is obviously right and in no hurry: one thread, plain loops, sums in Double, results rounded once to
/// their element type. What a real device computes is compared with this one.
///
/// Its memory is host memory, so that `Tensor.address` may be followed. It keeps count of what it hands out.
public final class ReferenceDevice: Device {
  public let info = DeviceInfo(
    name: "reference", threads: 1, dtypes: [.float32, .bfloat16], weightTypes: [.bfloat16, .float16])
  public let scalars: UnsafeMutablePointer<StepScalars>

  /// Bytes of each allocation that was not released.
  public private(set) var allocations: [UnsafeMutableRawPointer: Int] = [:]
  /// Kernels launched so far.
  public internal(set) var launches: [String: Int] = [:]
  /// Allocations that still succeed; nil when all do.
  public var remainingAllocations: Int?

  /// Bytes that were asked for and not released.
  public var allocatedBytes: Int { allocations.values.reduce(0, +) }

  public init() {
    scalars = .allocate(capacity: 1)
    scalars.initialize(to: StepScalars())
  }

  deinit {
    for address in allocations.keys { address.deallocate() }
    scalars.deallocate()
  }

  // MARK: Memory

  public func allocate(bytes: Int) throws(DeviceError) -> UnsafeMutableRawPointer {
    if let remaining = remainingAllocations {
      guard remaining > 0 else { throw .outOfMemory(requested: bytes) }
      remainingAllocations = remaining - 1
    }
    let address = UnsafeMutableRawPointer.allocate(byteCount: max(bytes, 1), alignment: 64)
    address.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    allocations[address] = bytes
    return address
  }

  public func release(_ address: UnsafeMutableRawPointer) {
    precondition(allocations.removeValue(forKey: address) != nil, "released what was not allocated")
    address.deallocate()
  }

  // MARK: Transfers

  public func upload(_ host: UnsafeRawBufferPointer, to tensor: Tensor) {
    precondition(host.count == tensor.byteCount, "upload of \(host.count) bytes to \(tensor.byteCount)")
    forEachRow(of: tensor) { row, offset, bytes in
      row.copyMemory(from: host.baseAddress! + offset, byteCount: bytes)
    }
  }

  public func download(_ tensor: Tensor, to host: UnsafeMutableRawBufferPointer) throws(DeviceError) {
    precondition(host.count == tensor.byteCount, "download of \(tensor.byteCount) bytes to \(host.count)")
    forEachRow(of: tensor) { row, offset, bytes in
      (host.baseAddress! + offset).copyMemory(from: row, byteCount: bytes)
    }
  }

  private func forEachRow(
    of tensor: Tensor, _ body: (_ row: UnsafeMutableRawPointer, _ offset: Int, _ bytes: Int) -> Void
  ) {
    let bytes = tensor.columns * tensor.dtype.size
    for row in 0..<tensor.rows { body(tensor.address + row * tensor.stride * tensor.dtype.size, row * bytes, bytes) }
  }

  public func synchronize() throws(DeviceError) {}

  // MARK: Replay

  private struct Recording: Replay {
    let body: () -> Void
    func run() throws(DeviceError) { body() }
  }

  public func record(_ body: @escaping () -> Void) throws(DeviceError) -> any Replay { Recording(body: body) }

  /// Counts a kernel launch.
  func launched(_ kernel: String = #function) { launches[String(kernel.prefix { $0 != "(" }), default: 0] += 1 }
}
