import CCUDA
import Foundation
import Testing

/// The words of everything that can be wrong with libinheritune_cuda.so.
@Suite(.enabled(if: Compiler.clang != nil, "needs clang, which comes with Swift"))
struct LoaderTests {
  let compiler: Compiler

  init() throws { compiler = try Compiler() }

  /// A library whose table says what the test wants.
  private func library(
    _ name: String = "libinheritune_cuda.so", major: Int32 = IC_ABI_MAJOR, size: String = "sizeof(ic_table)"
  ) throws -> String {
    try compiler.library(
      name,
      """
      #include "inheritune_cuda.h"
      static const ic_table table = {.size = \(size), .major = \(major), .minor = 7, .build = "made by a test"};
      const ic_table *inheritune_cuda_table(uint32_t major) { return &table; }
      """)
  }

  private func load(_ path: String?, folder: String? = nil) -> (table: UnsafePointer<ic_table>?, reason: String) {
    var reason = [CChar](repeating: 1, count: 4096)
    let table = ic_load(path, folder, &reason, reason.count)
    return (table, reason.withUnsafeBufferPointer { String(cString: $0.baseAddress!) })
  }

  @Test func loadsWhatIsNamed() throws {
    let path = try library("some name.so")
    let loaded = load(path)
    #expect(loaded.reason == "")
    #expect(try #require(loaded.table).pointee.minor == 7)
    #expect(String(cString: try #require(loaded.table).pointee.build) == "made by a test")
  }

  @Test func aNameThatIsNoFile() throws {
    // Neither is the one beside the program taken instead.
    _ = try library()
    let missing = compiler.folder.path + "/missing.so"
    let loaded = load(missing, folder: compiler.folder.path)
    #expect(loaded.table == nil)
    #expect(loaded.reason.contains("there is no file \(missing) (named by --cuda-lib)"))
    #expect(loaded.reason.contains("scripts/build-cuda.sh"))
  }

  @Test func aFileThatIsNoLibrary() throws {
    let path = try compiler.folder.write("text.so", String(repeating: "This is not a library. ", count: 10))
    let loaded = load(path)
    #expect(loaded.table == nil)
    #expect(loaded.reason == "\(path) cannot be opened: invalid ELF header")
  }

  @Test func aLibraryThatNeedsAnother() throws {
    let path = try compiler.library("needing.so", "void nowhere_defined(void); void f(void) { nowhere_defined(); }")
    let loaded = load(path)
    #expect(loaded.table == nil)
    #expect(loaded.reason.contains("\(path) cannot be opened: "))
    #expect(loaded.reason.contains("nowhere_defined"))
  }

  @Test func aLibraryOfSomebodyElse() throws {
    let path = try compiler.library("other.so", "int something(void) { return 1; }")
    let loaded = load(path)
    #expect(loaded.table == nil)
    #expect(loaded.reason.contains("\(path) is not inheritune's CUDA library: it has no symbol inheritune_cuda_table"))
  }

  @Test func anotherMajorVersion() throws {
    let path = try library(major: 9)
    let loaded = load(path)
    #expect(loaded.table == nil)
    #expect(loaded.reason.contains("has version 9.7"))
    #expect(loaded.reason.contains("needs \(IC_ABI_MAJOR).\(IC_ABI_MINOR)"))
  }

  @Test func aLibraryThatRefusesTheVersion() throws {
    let path = try compiler.library(
      "refusing.so", "void *inheritune_cuda_table(unsigned major) { return 0; }")
    let loaded = load(path)
    #expect(loaded.table == nil)
    #expect(loaded.reason.contains("does not serve version \(IC_ABI_MAJOR)"))
  }

  @Test func aTableThatIsTooShort() throws {
    let path = try library(size: "sizeof(ic_table) - 8")
    let loaded = load(path)
    #expect(loaded.table == nil)
    let size = MemoryLayout<ic_table>.size
    #expect(
      loaded.reason.contains(
        "is older than this program: its table has \(size - 8) bytes (version \(IC_ABI_MAJOR).7), "))
    #expect(loaded.reason.contains("\(size) are needed"))
  }

  @Test func aTableThatIsLonger() throws {
    #expect(load(try library(size: "sizeof(ic_table) + 64")).table != nil)
  }

  @Test func reasonsAreCutToTheirRoom() {
    var reason = [CChar](repeating: 1, count: 16)
    #expect(ic_load("/there/is/no/such/file", nil, &reason, 10) == nil)
    #expect(reason.withUnsafeBufferPointer { String(cString: $0.baseAddress!) } == "there is ")
    #expect(reason[10] == 1)
  }

  /// What depends on the environment, in a process of its own.
  @Suite(.enabled(if: Compiler.clang != nil, "needs clang, which comes with Swift"))
  struct Search {
    let compiler: Compiler
    let probe: String

    init() throws {
      compiler = try Compiler()
      probe = try compiler.program(
        "probe.c",
        """
        #include "loader.h"
        #include <stdio.h>
        int main(int count, char **arguments) {
          char reason[4096];
          const ic_table *table = ic_load(NULL, count > 1 ? arguments[1] : NULL, reason, sizeof reason);
          printf("%s%s\\n", table ? ic_loaded_path() : "none: ", reason);
        }
        """, with: "CCUDA/loader.c")
    }

    private func library(_ name: String) throws -> String {
      try compiler.library(
        name,
        """
        #include "inheritune_cuda.h"
        static const ic_table table = {.size = sizeof(ic_table), .major = IC_ABI_MAJOR};
        const ic_table *inheritune_cuda_table(uint32_t major) { return &table; }
        """)
    }

    @Test func besideTheProgram() throws {
      let folder = try compiler.folder.make("beside")
      let path = try library("beside/libinheritune_cuda.so")
      #expect(try compiler.run(probe, [folder], environment: [:]) == path + "\n")
      // What is there and broken is not passed over.
      _ = try compiler.folder.write("beside/libinheritune_cuda.so.\(IC_ABI_MAJOR)", "broken")
      #expect(
        try compiler.run(probe, [folder], environment: [:])
          == "none: \(folder)/libinheritune_cuda.so.\(IC_ABI_MAJOR) cannot be opened: file too short\n")
    }

    @Test(arguments: ["libinheritune_cuda.so", "libinheritune_cuda.so.\(IC_ABI_MAJOR)"])
    func inTheSystem(name: String) throws {
      let empty = try compiler.folder.make("empty")
      let system = try compiler.folder.make("system")
      let path = try library("system/\(name)")
      #expect(try compiler.run(probe, [empty], environment: ["LD_LIBRARY_PATH": system]) == path + "\n")
      #expect(try compiler.run(probe, [], environment: ["LD_LIBRARY_PATH": system]) == path + "\n")
    }

    @Test func namedByTheEnvironment() throws {
      let folder = try compiler.folder.make("beside")
      _ = try library("beside/libinheritune_cuda.so")
      let path = try library("named.so")
      #expect(try compiler.run(probe, [folder], environment: ["INHERITUNE_CUDA_LIB": path]) == path + "\n")
      // A bare name is a file of this folder, not one for the system to find.
      #expect(try compiler.run(probe, [], environment: ["INHERITUNE_CUDA_LIB": "named.so"]) == "./named.so\n")
      let missing = try compiler.run(probe, [folder], environment: ["INHERITUNE_CUDA_LIB": "/missing.so"])
      #expect(missing.hasPrefix("none: there is no file /missing.so (named by INHERITUNE_CUDA_LIB)"))
    }

    @Test func nowhere() throws {
      let folder = try compiler.folder.make("empty")
      let output = try compiler.run(probe, [folder], environment: [:])
      #expect(output.contains("libinheritune_cuda.so is neither beside the program (\(folder))"))
      #expect(output.contains("nor among the system's libraries"))
      #expect(output.contains("scripts/build-cuda.sh builds it"))
    }
  }
}
