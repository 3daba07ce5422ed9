import CUDATestKernels
import Testing

/// The emulation of CUDA that all other tests of the kernels stand on.
@Suite("Emulation of CUDA")
struct EmulationTests {
  private func launch(_ name: String) -> (error: String, values: [Float]) {
    let result = test_launch(name)
    return (
      withUnsafeBytes(of: result.error) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) },
      withUnsafeBytes(of: result.values) { Array($0.bindMemory(to: Float.self)) }
    )
  }

  // MARK: What is right

  @Test("threads and blocks have their indices")
  func indices() {
    let (error, values) = launch("indices")
    #expect(error.isEmpty)
    for block in 0..<4 {
      for thread in 0..<32 {
        let expected = 1000 * block + 100 * (thread / 8) + 10 * (thread / 4 % 2) + thread % 4
        #expect(values[block * 32 + thread] == Float(expected))
      }
    }
    #expect(values[128...].allSatisfy { $0.isNaN })
  }

  @Test("a barrier is one", arguments: ["reverse", "much shared memory"])
  func barrier(kernel: String) {
    let (error, values) = launch(kernel)
    #expect(error.isEmpty)
    #expect(values == (0..<256).map { Float(255 - $0) })
  }

  @Test("shuffles")
  func shuffles() {
    let (error, values) = launch("shuffle")
    #expect(error.isEmpty)
    func expect(_ first: Int, _ expected: (Int) -> Int) {
      #expect(Array(values[first..<first + 32]) == (0..<32).map { Float(expected($0)) })
    }
    expect(0) { _ in 5 }
    expect(32) { $0 ^ 3 }
    expect(64) { $0 < 30 ? $0 + 2 : $0 }
    expect(96) { $0 >= 2 ? $0 - 2 : $0 }
    expect(128) { $0 / 8 * 8 + 5 }
    expect(160) { $0 % 8 < 6 ? $0 + 2 : $0 }
    expect(192) { $0 % 8 >= 2 ? $0 - 2 : $0 }
    expect(224) { $0 < 16 ? 2 : 17 }
  }

  @Test("votes and counting barriers")
  func votes() {
    let (error, values) = launch("vote")
    #expect(error.isEmpty)
    #expect(values[..<8] == [16, 2, 40, 1, 1, 0, 1, 0])
  }

  @Test("atomics")
  func atomics() {
    let (error, values) = launch("atomics")
    #expect(error.isEmpty)
    #expect(values[0] == 7 * 65)
  }

  @Test("bfloat16 rounds to nearest, ties to even")
  func bfloat16() {
    let (error, values) = launch("bfloat16")
    #expect(error.isEmpty)
    // 1e-40 is a subnormal number.
    #expect(values[..<5] == [1, 1.015625, -1, .infinity, Float(bitPattern: 0x0001_0000)])
    #expect(values[5].isNaN)
    #expect(values[6..<10] == [1.0078125, 0.10009765625, 1.5, -2])
  }

  // MARK: What is caught

  @Test("a missing barrier shows as a NaN, whichever threads come first")
  func missingBarrier() {
    let (error, values) = launch("no barrier")
    #expect(error.isEmpty)
    // One block starts from the first thread, the other from the last.
    let lower = values[..<32].allSatisfy { $0.isNaN }
    let upper = values[32..<64].allSatisfy { $0.isNaN }
    #expect(lower != upper)
    #expect(values[64..<96].allSatisfy { $0.isNaN } == upper)
    #expect(values[96..<128].allSatisfy { $0.isNaN } == lower)
  }

  @Test("memory that was not written is NaN")
  func unwritten() {
    let (error, values) = launch("unwritten")
    #expect(error.isEmpty)
    #expect(values[0].isNaN && values[1].isNaN)
    // The address sanitizer has static shared memory where it likes.
    if !test_is_sanitized() { #expect(values[2].isNaN) }
  }

  @Test(
    "threads that diverge are an error that names the kernel",
    arguments: [
      ("exit before barrier", "leave_before_barrier", "40 wait in __syncthreads (test_kernels.cpp:", "24 have"),
      ("two barriers", "meet_at_two_barriers", "diverge", "and in __syncthreads (test_kernels.cpp:"),
      ("half a warp", "shuffle_among_half", "16 wait in a shuffle", "16 have ended"),
      ("two masks", "shuffle_with_two_masks", "diverge", "different masks"),
      ("outside the mask", "shuffle_outside_mask", "calls a shuffle (", "with a mask that it is not in"),
    ])
  func divergence(launched: String, kernel: String, first: String, second: String) {
    let error = launch(launched).error
    #expect(error.contains("kernel \(kernel) failed: in block (0, 0, 0)"))
    #expect(error.contains(first), "\(error)")
    #expect(error.contains(second), "\(error)")
    // The next launch knows nothing of it.
    #expect(launch("reverse").error.isEmpty)
  }

  @Test(
    "a kernel that writes outside its memory is an error", .disabled(if: test_is_sanitized()),
    arguments: [
      ("overrun", "writes behind an allocation of 1024 bytes"),
      ("shared overrun", "writes behind the 64 bytes of its dynamic shared memory"),
    ])
  func overrun(kernel: String, words: String) {
    #expect(launch(kernel).error.contains(words))
    #expect(launch("reverse").error.isEmpty)
  }

  @Test(
    "the limits of devices hold",
    arguments: [
      ("too many threads", "1 to 1024 are possible"), ("no blocks", "a grid of (0, 1, 1) blocks"),
      ("undeclared shared memory", "49153 bytes of dynamic shared memory, of 49152"),
      ("too much shared memory", "this device has 232448 for a block"),
      ("copy out of bounds", "leaves its allocation"),
    ])
  func limits(kernel: String, words: String) {
    #expect(launch(kernel).error.contains(words))
  }
}
