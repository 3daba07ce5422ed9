import CUDATestKernels
import Foundation
import Testing

/// The graphs that cuDNN is given, and which shapes it serves. With a cuDNN made for tests, which interprets them.
@Suite(.enabled(if: Compiler.clang != nil, "needs clang, which comes with Swift"))
struct AttentionLibraryTests {
  let compiler: Compiler

  init() throws { compiler = try Compiler() }

  private func cudnn(_ variant: String = "PLAIN") throws {
    try compiler.library(
      "libcudnn.so.9", "#define \(variant)\n#include \"\(Compiler.tests)/Fakes/cudnn.c\"\n", options: ["-lm"])
  }

  private func shape(
    batch: Int64 = 2, length: Int64 = 13, heads: Int32 = 2, kvHeads: Int32 = 2, headDimension: Int32 = 8,
    window: Int32 = 0, softcap: Float = 0, hasSlopes: Bool = false, hasDocuments: Bool = false, gap: Int64 = 0,
    isBFloat16: Bool = true, mostScoreBytes: Int64 = 1 << 30, mostSequenceBytes: Int64 = 1 << 30,
    backwardTile: Int64 = 1
  ) -> test_attention_shape {
    test_attention_shape(
      batch: batch, length: length, heads: heads, kv_heads: kvHeads, head_dimension: headDimension, window: window,
      softcap: softcap, has_slopes: hasSlopes ? 1 : 0, has_documents: hasDocuments ? 1 : 0, gap: gap,
      is_bfloat16: isBFloat16 ? 1 : 0, most_score_bytes: mostScoreBytes, most_sequence_bytes: mostSequenceBytes,
      backward_tile: backwardTile)
  }

  private func words(_ body: (UnsafeMutablePointer<CChar>, Int) -> Void) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1 << 12) { buffer in
      body(buffer.baseAddress!, buffer.count)
      return String(cString: buffer.baseAddress!)
    }
  }

  private func attention(_ shape: test_attention_shape) -> String {
    words { test_cudnn_attention(compiler.folder.path, shape, $0, $1) }
  }

  private func description(capability: Int32 = 90, _ shape: test_attention_shape) -> String {
    words { test_cudnn_description(compiler.folder.path, capability, shape, $0, $1) }
  }

  @Test func isAttention() throws {
    try cudnn()
    #expect(attention(shape()) == "")
    #expect(attention(shape(gap: 8)) == "")
    #expect(attention(shape(batch: 1, length: 1)) == "")
    #expect(attention(shape(batch: 1, length: 40, heads: 35, kvHeads: 35)) == "")
    #expect(attention(shape(heads: 3, kvHeads: 3, headDimension: 104)) == "")
  }

  @Test(arguments: [Int32(1), 2])
  func sharesKeysAmongHeads(kvHeads: Int32) throws {
    try cudnn()
    #expect(attention(shape(heads: 4, kvHeads: kvHeads, headDimension: 16, gap: 16)) == "")
  }

  /// The gradients of the scores of one sequence take 2·13·13·2 bytes.
  @Test(arguments: [1, 676, 1400, 2100, 4056])
  func takesTheBatchInParts(mostScoreBytes: Int64) throws {
    try cudnn()
    #expect(attention(shape(batch: 6, mostScoreBytes: mostScoreBytes)) == "")
  }

  @Test func leavesTheRestToOwnKernels() throws {
    try cudnn()
    #expect(attention(shape(headDimension: 100)) == "not served")
    #expect(attention(shape(headDimension: 136)) == "not served")
    #expect(attention(shape(isBFloat16: false)) == "not served")
    #expect(attention(shape(window: 5)) == "not served")
    #expect(attention(shape(window: 13)) == "")
    #expect(attention(shape(softcap: 50)) == "not served")
    #expect(attention(shape(hasSlopes: true)) == "not served")
    #expect(attention(shape(hasDocuments: true)) == "not served")
    // Backward: ragged lengths, and sequences whose scores take too much memory.
    #expect(attention(shape(backwardTile: 128)) == "not served")
    #expect(attention(shape(batch: 1, length: 128, backwardTile: 128)) == "")
    #expect(attention(shape(mostSequenceBytes: 676)) == "not served")
    #expect(attention(shape(mostSequenceBytes: 677)) == "")
    // Rows that vectors of 16 bytes do not reach.
    #expect(attention(shape(gap: 4)) == "not served")
  }

  @Test func describesItself() throws {
    try cudnn()
    #expect(description(shape()) == "cuDNN 9.19.0 (\(compiler.folder.path)/libcudnn.so.9)")
    #expect(
      description(capability: 80, shape())
        == "own kernels (cuDNN is used on Hopper, compute capability 9.0; this GPU has 8.0)")
  }

  @Test(arguments: ["UNSERVED", "NONDETERMINISTIC"])
  func saysWhatItHasNoEngineFor(variant: String) throws {
    try cudnn(variant)
    #expect(attention(shape()) == "not served")
    let words = description(shape())
    #expect(words.contains("; own kernels where it has none: forward of 2 × 13 rows, 2 heads of 8: no engine computes"))
    #expect(words.hasSuffix("no engine of the fake"))
  }

  @Test func withoutALibrary() throws {
    let words = description(shape())
    #expect(words.hasPrefix("own kernels (libcudnn.so.9 was not found in \(compiler.folder.path), the system's"))
    #expect(words.contains("pip install nvidia-cudnn"))
  }

  @Test func aLibraryThatIsTooOld() throws {
    let functions = [
      "cudnnGetLastErrorString", "cudnnCreate", "cudnnDestroy", "cudnnSetStream", "cudnnBackendCreateDescriptor",
      "cudnnBackendDestroyDescriptor", "cudnnBackendSetAttribute", "cudnnBackendGetAttribute", "cudnnBackendFinalize",
      "cudnnBackendExecute",
    ]
    let code = functions.map { "int \($0)(void) { return 1; }\n" }.joined()
    try compiler.library("libcudnn.so.9", code + "long cudnnGetVersion(void) { return 90800; }")
    #expect(
      description(shape()) == "own kernels (cuDNN 9.8.0 (\(compiler.folder.path)/libcudnn.so.9) is older than 9.10.2)")
  }
}
