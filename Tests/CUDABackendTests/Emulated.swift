import CCUDA
import CUDABackend
import CUDAKernels
import Tensors

/// The table over the emulation, as the loader would find it in a library.
let emulatedLibrary = CUDALibrary(table: ic_emulated_table(UInt32(IC_ABI_MAJOR))!, path: "emulation")

extension CUDADevice {
  /// A device of the emulated machine. Graphs and checks do not depend on the environment.
  static func emulated(check: Bool = false, graphs: Bool = true) throws -> CUDADevice {
    try CUDADevice(library: emulatedLibrary, options: CUDAOptions(check: check, graphs: graphs))
  }
}

/// Runs `body` with another machine under the emulation, for this thread and until it returns.
///
/// - Parameter failingKernel: kernels whose names contain this fail when they run.
func emulating<Value>(
  failingKernel: String? = nil, _ change: (inout cuda_emulation) -> Void = { _ in }, _ body: () throws -> Value
) throws -> Value {
  var result: Result<Value, any Error>?
  func run(on machine: cuda_emulation) {
    var machine = machine
    withoutActuallyEscaping({ result = Result { try body() } }) { work in
      let call = Call(work)
      cuda_emulate(
        &machine, { Unmanaged<Call>.fromOpaque($0!).takeUnretainedValue().work() },
        Unmanaged.passUnretained(call).toOpaque())
    }
  }

  var machine = cuda_emulation_default()
  change(&machine)
  if let failingKernel {
    failingKernel.withCString { name in
      machine.failing_kernel = name
      run(on: machine)
    }
  } else {
    run(on: machine)
  }
  return try result!.get()
}

private final class Call {
  let work: () -> Void
  init(_ work: @escaping () -> Void) { self.work = work }
}

/// The words of the error that `body` throws.
func message(_ body: () throws -> Void) -> String {
  do {
    try body()
  } catch {
    return "\(error)"
  }
  return "no error"
}
