import CUDATestKernels
import Foundation
import Testing

/// The calls of cuBLASLt: what they describe, which algorithm they choose, what they say when it cannot be done. With a
/// cuBLASLt made for tests.
@Suite(.enabled(if: Compiler.clang != nil, "needs clang, which comes with Swift"))
struct MatmulLibraryTests {
  let compiler: Compiler

  init() throws { compiler = try Compiler() }

  private func cublaslt(_ variant: String = "PLAIN", version: Int = 13) throws {
    try compiler.library(
      "libcublasLt.so.\(version)", "#define \(variant)\n#include \"\(Compiler.tests)/Fakes/cublaslt.c\"\n")
  }

  private func words(_ body: (UnsafeMutablePointer<CChar>, Int) -> Void) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1 << 16) { buffer in
      body(buffer.baseAddress!, buffer.count)
      return String(cString: buffer.baseAddress!)
    }
  }

  private func choice(cache: String?) -> String {
    words { test_cublaslt_choice(compiler.folder.path, cache, $0, $1) }
  }

  @Test func multipliesWhateverTheLayout() throws {
    try cublaslt()
    #expect(words { test_cublaslt_products(compiler.folder.path, $0, $1) } == "")
  }

  @Test func takesTheFastestAndRemembersIt() throws {
    try cublaslt("MARK")
    let cache = compiler.folder.path + "/algorithms"
    #expect(choice(cache: nil) == "2 cuBLASLt 13.4.1 (\(compiler.folder.path)/libcublasLt.so.13)")
    #expect(!FileManager.default.fileExists(atPath: cache))
    #expect(choice(cache: cache).hasPrefix("2 "))
    let remembered = try String(contentsOfFile: cache, encoding: .utf8)
    #expect(remembered.hasSuffix("\t2: 62 1 2 3 4 5 6 7 8\n"))
    // What is remembered is taken, fast or not.
    try remembered.replacing("\t2: 62 ", with: "\t0: 60 ").write(toFile: cache, atomically: false, encoding: .utf8)
    #expect(choice(cache: cache).hasPrefix("0 "))
    // But only what cuBLASLt lists.
    for foreign in ["\t9: 60 ", "\t2: 60 ", "\t-1: 62 ", "\t3: 63 ", "\t99999999999999999999: "] {
      try remembered.replacing("\t2: 62 ", with: foreign).write(toFile: cache, atomically: false, encoding: .utf8)
      #expect(choice(cache: cache).hasPrefix("2 "))
      #expect(try String(contentsOfFile: cache, encoding: .utf8) == remembered)
    }
  }

  @Test func saysThatItCannotRemember() throws {
    try cublaslt()
    let description = choice(cache: compiler.folder.path + "/missing/algorithms")
    #expect(description.contains("; the choice of algorithms is not remembered: "))
    #expect(description.hasSuffix("/missing/algorithms cannot be written: No such file or directory"))
  }

  @Test func shapesThatDoNotFit() throws {
    try cublaslt()
    #expect(
      words { test_cublaslt_error(compiler.folder.path, $0, $1) }
        == "matmul: these do not multiply: c [2, 2] float32, a [2, 4] bfloat16, b [3, 2] bfloat16")
  }

  @Test func aLibraryThatDoesNotStart() throws {
    try cublaslt("BROKEN")
    let library = compiler.folder.path + "/libcublasLt.so.13"
    #expect(choice(cache: nil).hasPrefix("cuBLASLt 13.4.1 (\(library)) does not start: some error; a driver too old"))
  }

  @Test func aLibraryOfAnotherKind() throws {
    try compiler.library("libcublasLt.so.13", "int cublasLtGetVersion(void) { return 1; }")
    #expect(
      choice(cache: nil)
        == "\(compiler.folder.path)/libcublasLt.so.13 cannot be used: it has no function cublasLtGetStatusString")
  }

  @Test func theOlderOneWhereTheNewerIsMissing() throws {
    try cublaslt(version: 12)
    #expect(choice(cache: nil).hasSuffix("(\(compiler.folder.path)/libcublasLt.so.12)"))
  }
}
