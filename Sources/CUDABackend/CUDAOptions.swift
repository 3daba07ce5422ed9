#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// How a CUDA device is used.
public struct CUDAOptions: Sendable {
  /// How float32 matrices are multiplied; bfloat16 ones always accumulate in float32.
  public enum Math: Sendable, Hashable { case float32, tensorFloat32 }

  /// As the driver numbers the devices that `CUDA_VISIBLE_DEVICES` leaves.
  public var device: Int
  public var math: Math
  /// Wait after each kernel, so that an error comes with the name of the kernel that has it. Nothing is captured then.
  public var check: Bool
  /// Whether the fastest algorithms are looked for, which takes seconds for each program: for training.
  public var tunes: Bool
  /// Whether a recording is captured and launched as one graph, or its kernels are launched one by one.
  /// `INHERITUNE_CUDA_GRAPHS=0` switches it off.
  public var graphs: Bool
  /// Where to look for cuBLASLt and cuDNN first, separated by ":": what `INHERITUNE_CUDA_LIBS` says.
  public var libraryFolders: String?
  /// The file that remembers which algorithm was fastest for each matrix product.
  public var algorithmCache: String?

  public init(
    device: Int = 0, math: Math = .float32, check: Bool = false, tunes: Bool = true, graphs: Bool? = nil,
    algorithmCache: String? = nil
  ) {
    self.device = device
    self.math = math
    self.check = check
    self.tunes = tunes
    self.graphs = graphs ?? (environment("INHERITUNE_CUDA_GRAPHS") != "0")
    libraryFolders = environment("INHERITUNE_CUDA_LIBS")
    self.algorithmCache = algorithmCache
  }
}

private func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
