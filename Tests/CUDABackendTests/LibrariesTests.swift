import CUDAKernels
import Foundation
import Testing

/// Where cuBLASLt and cuDNN are looked for, and the words when they are not found.
@Suite(.enabled(if: Compiler.clang != nil, "needs clang, which comes with Swift"))
struct LibrariesTests {
  let compiler: Compiler
  let probe: String

  init() throws {
    compiler = try Compiler()
    // In a process of its own: the search depends on the environment.
    probe = try compiler.program(
      "probe.cpp",
      """
      #include "../CUDAKernels/include/libraries.h"
      #include <stdio.h>
      int main(int count, char **arguments) {
        const char *const names[] = {"libnone.so.13", "libnone.so.12", NULL};
        ic_library library;
        ic_open_library(&library, names, count > 1 ? arguments[1] : NULL, "install it");
        printf("%s%s\\n", library.path, library.reason);
      }
      """, with: "CUDAKernels/libraries.cpp",
      options: ["-std=c++17", "-I\(Compiler.sources)/CCUDA", "-lstdc++"])
  }

  private func library(in folder: String, name: String = "libnone.so.13", code: String = "int f(void) { return 1; }")
    throws -> String
  {
    _ = try compiler.folder.make(folder)
    return try compiler.library(folder + "/" + name, code)
  }

  @Test func foldersThatAreGiven() throws {
    let first = try compiler.folder.make("first")
    let path = try library(in: "second")
    let folders = "\(first)::/does/not/exist:\(compiler.folder.path)/second"
    #expect(try compiler.run(probe, [folders], environment: [:]) == path + "\n")
  }

  @Test func theOlderOneWhereTheNewerIsMissing() throws {
    let path = try library(in: "folder", name: "libnone.so.12")
    #expect(try compiler.run(probe, [compiler.folder.path + "/folder"], environment: [:]) == path + "\n")
    let newer = try library(in: "folder", name: "libnone.so.13")
    #expect(try compiler.run(probe, [compiler.folder.path + "/folder"], environment: [:]) == newer + "\n")
  }

  @Test func theSystem() throws {
    let path = try library(in: "system")
    let environment = ["LD_LIBRARY_PATH": compiler.folder.path + "/system"]
    #expect(try compiler.run(probe, [], environment: environment) == path + "\n")
  }

  @Test func aToolkit() throws {
    let path = try library(in: "cuda/lib64")
    #expect(try compiler.run(probe, [], environment: ["CUDA_HOME": compiler.folder.path + "/cuda"]) == path + "\n")
  }

  @Test(arguments: ["nvidia/cu13/lib", "nvidia/cublas/lib"], ["VIRTUAL_ENV", "CONDA_PREFIX", "PATH", "HOME"])
  func pythonEnvironments(layout: String, variable: String) throws {
    let prefix = variable == "HOME" ? "environment/.local" : "environment"
    let path = try library(in: "\(prefix)/lib/python3.11/site-packages/\(layout)")
    let environment = compiler.folder.path + "/environment"
    if variable == "PATH" {
      _ = try compiler.folder.make("environment/bin")
      let python = try compiler.folder.write("environment/bin/python3", "#!/bin/sh\n")
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: python)
    }
    let value = variable == "PATH" ? "/nowhere:\(environment)/bin" : environment
    #expect(try compiler.run(probe, [], environment: [variable: value]) == path + "\n")
  }

  @Test func nowhere() throws {
    let output = try compiler.run(probe, ["/does/not/exist"], environment: [:])
    #expect(output.hasPrefix("libnone.so.13 or libnone.so.12 was not found in /does/not/exist, the system's"))
    #expect(output.hasSuffix("; install it\n"))
  }

  @Test func aFileThatIsNoLibrary() throws {
    let folder = try compiler.folder.make("folder")
    let path = try compiler.folder.write("folder/libnone.so.13", String(repeating: "No library. ", count: 20))
    let output = try compiler.run(probe, [folder], environment: [:])
    #expect(output.contains("cannot be opened: \(path): invalid ELF header"))
    // Another that can be opened is as good.
    let other = try library(in: "other")
    #expect(try compiler.run(probe, [folder + ":" + compiler.folder.path + "/other"], environment: [:]) == other + "\n")
  }

  @Test func functionsThatAreMissing() throws {
    let path = try library(in: "folder", code: "int first(void) { return 42; }")
    var library = ic_library()
    "libnone.so.13".withCString { name in
      ic_open_library(&library, [name, nil], compiler.folder.path + "/folder", "install it")
    }
    #expect(library.handle != nil)
    var first: (@convention(c) () -> Int32)?
    var second: (@convention(c) () -> Int32)?
    let found = withUnsafeMutablePointer(to: &first) { firstAddress in
      withUnsafeMutablePointer(to: &second) { secondAddress in
        "first".withCString { firstName in
          "second".withCString { secondName in
            let symbols = [
              ic_symbol(name: firstName, function: firstAddress), ic_symbol(name: secondName, function: secondAddress),
            ]
            return [ic_resolve(&library, symbols, 1), ic_resolve(&library, symbols, 2)]
          }
        }
      }
    }
    #expect(found == [1, 0])
    #expect(first?() == 42)
    #expect(second == nil)
    let reason = withUnsafeBytes(of: library.reason) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    #expect(reason == "\(path) cannot be used: it has no function second")
    ic_set_version(&library, 130401)
    #expect(withUnsafeBytes(of: library.version) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) } == "13.4.1")
  }
}
