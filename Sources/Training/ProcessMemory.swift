import Glibc
import Programs
import Tensors

/// The memory of this process.
enum ProcessMemory {
  /// Bytes of a run's process that are no tensors on `device`: what is resident before they are made, the scratch of
  /// the kernels, and what saving and reading take for a moment. 0 on an accelerator, whose memory is another.
  static func expected(on device: DeviceInfo) -> Int {
    device.isAccelerator ? 0 : resident + device.scratchBytes + buffers
  }

  /// Of writing checkpoints, reading batches, metrics.
  private static let buffers = 6 << 20

  /// Bytes that are resident now; 0 where the system does not tell.
  private static var resident: Int {
    guard let file = fopen("/proc/self/statm", "re") else { return 0 }
    defer { fclose(file) }
    var text = [CChar](repeating: 0, count: 128)
    guard fgets(&text, Int32(text.count), file) != nil else { return 0 }
    // Pages: all, resident, …
    let pages = text.prefix { $0 != 0 }.split(separator: CChar(UInt8(ascii: " "))).dropFirst().first
    let digits = pages.map { String(decoding: $0.map(UInt8.init(bitPattern:)), as: UTF8.self) }
    return (digits.flatMap(Int.init) ?? 0) * Int(getpagesize())
  }
}

extension MemoryReport {
  func withProcess(_ process: Int) -> MemoryReport {
    var report = self
    report.process = process
    return report
  }
}
