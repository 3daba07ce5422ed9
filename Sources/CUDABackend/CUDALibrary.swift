import CCUDA
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// libinheritune_cuda.so: the kernels, and the way to the devices of this machine.
public struct CUDALibrary: @unchecked Sendable {
  // It lies in the library, and never changes.
  public let table: UnsafePointer<ic_table>
  /// The file it was loaded from.
  public let path: String

  public init(table: UnsafePointer<ic_table>, path: String) {
    self.table = table
    self.path = path
  }

  /// Finds and opens the library: at `path`, where `INHERITUNE_CUDA_LIB` says, beside the program, in the system.
  public static func load(path: String? = nil) throws(DeviceError) -> CUDALibrary {
    var loaded: UnsafePointer<ic_table>?
    let reason = words { loaded = ic_load(path, executableFolder(), $0, $1) }
    guard let loaded else { throw .unavailable(reason) }
    return CUDALibrary(table: loaded, path: String(cString: ic_loaded_path()))
  }

  /// "nvcc 13.0.88; sm_80 sm_86 …": with what it was built, and for what.
  public var build: String { String(cString: table.pointee.build) }

  /// The version of its interface.
  public var version: String { "\(table.pointee.major).\(table.pointee.minor)" }

  /// How many devices there are: at least one.
  public func deviceCount() throws(DeviceError) -> Int {
    var count: Int32 = 0
    try table.call { table, reason, capacity in table.device_count(&count, reason, capacity) }
    return Int(count)
  }

  public func deviceInfo(_ device: Int) throws(DeviceError) -> CUDADeviceInfo {
    var info = ic_device_info()
    try table.call { table, reason, capacity in table.device_info(Int32(clamping: device), &info, reason, capacity) }
    return CUDADeviceInfo(info)
  }
}

/// A device as its driver describes it.
public struct CUDADeviceInfo: Sendable {
  public let name: String
  /// Compute capability 9.0 is 90.
  public let capability: Int
  public let multiprocessors: Int
  public let totalMemory: Int
  public let freeMemory: Int
  /// The newest CUDA that the driver runs, and the one that the library was built with: "13.0".
  public let driverVersion: String
  public let runtimeVersion: String

  init(_ info: ic_device_info) {
    name = withUnsafeBytes(of: info.name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    capability = Int(info.capability)
    multiprocessors = Int(info.multiprocessors)
    totalMemory = Int(info.total_memory)
    freeMemory = Int(info.free_memory)
    driverVersion = "\(info.driver_version / 1000).\(info.driver_version % 1000 / 10)"
    runtimeVersion = "\(info.runtime_version / 1000).\(info.runtime_version % 1000 / 10)"
  }

  /// Operations a second of bfloat16 matrix products accumulated in float32, dense, by NVIDIA's data sheets; nil for a
  /// card not listed.
  public static func peakOperationsPerSecond(ofCard name: String) -> Double? {
    let words = Set(name.split { " -".contains($0) }.map { $0.uppercased() })
    // Less than the card that they are named after.
    guard words.isDisjoint(with: ["LAPTOP", "MIG", "MAX"]) else { return nil }
    return peaks.first { words.isSuperset(of: $0.words) }?.peak
  }

  /// The words that name a card; the more specific before the more general.
  private static let peaks: [(words: Set<String>, peak: Double)] = [
    (["B200"], 2250e12), (["GH200"], 989.4e12), (["H200"], 989.4e12), (["H100", "PCIE"], 756e12),
    (["H100", "NVL"], 835e12),
    (["H100"], 989.4e12), (["A100"], 312e12), (["L40S"], 362e12), (["L40"], 181e12), (["L4"], 121e12),
    (["A40"], 149.7e12), (["A6000"], 154.8e12), (["4090"], 165.2e12), (["3090", "TI"], 80e12), (["3090"], 71e12),
  ]
}

// MARK: Calls

extension UnsafePointer<ic_table> {
  /// Calls a function that explains itself, and throws what it says.
  func call(_ body: (ic_table, UnsafeMutablePointer<CChar>, Int) -> ic_status) throws(DeviceError) {
    var status = IC_OK
    let reason = words { status = body(pointee, $0, $1) }
    guard status == IC_OK else { throw .unavailable(reason) }
  }
}

/// What `body` writes into a buffer for words.
private func words(_ body: (UnsafeMutablePointer<CChar>, Int) -> Void) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer in
    buffer.initialize(repeating: 0)
    body(buffer.baseAddress!, buffer.count)
    return String(cString: buffer.baseAddress!)
  }
}

private func executableFolder() -> String? {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer in
    let count = readlink("/proc/self/exe", buffer.baseAddress!, buffer.count)
    guard count > 0 else { return nil }
    let path = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return path.lastIndex(of: "/").map { String(path[..<$0]) }
  }
}
