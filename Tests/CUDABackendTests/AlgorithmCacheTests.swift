import Foundation
import Testing

/// The file that remembers which algorithm multiplied.
@Suite(.enabled(if: Compiler.clang != nil, "needs clang, which comes with Swift"))
struct AlgorithmCacheTests {
  let compiler: Compiler
  let probe: String
  let file: String

  init() throws {
    compiler = try Compiler()
    file = compiler.folder.path + "/algorithms"
    probe = try compiler.program(
      "probe.cpp",
      """
      #include "../CUDAKernels/algorithm_cache.h"
      #include <stdio.h>
      // FILE MACHINE, then any of: find PROBLEM, store PROBLEM CHOICE.
      int main(int count, char **arguments) {
        ic_algorithm_cache cache(*arguments[1] ? arguments[1] : NULL, arguments[2]);
        for (int i = 3; i < count;) {
          if (*arguments[i] == 'f') {
            const std::string *choice = cache.find(arguments[i + 1]);
            printf("%s\\n", choice ? choice->c_str() : "none");
            i += 2;
          } else {
            cache.store(arguments[i + 1], arguments[i + 2]);
            i += 3;
          }
        }
        printf("%s", cache.failure.c_str());
      }
      """, with: "CUDAKernels/algorithm_cache.cpp",
      options: ["-std=c++17", "-I\(Compiler.sources)/CCUDA", "-lstdc++"])
  }

  private func cache(at path: String? = nil, machine: String = "H200, cuBLASLt 13.0.2", _ commands: String...) throws
    -> String
  {
    try compiler.run(probe, [path ?? file, machine] + commands)
  }

  @Test func remembersAcrossProcesses() throws {
    #expect(try cache("find", "8192 3200") == "none\n")
    #expect(try cache("store", "8192 3200", "3: 67 20", "store", "1 2", "0: 1", "find", "8192 3200") == "3: 67 20\n")
    #expect(try cache("find", "8192 3200", "find", "1 2", "find", "3 4") == "3: 67 20\n0: 1\nnone\n")
    #expect(try cache("store", "1 2", "5: 7", "find", "1 2") == "5: 7\n")
    #expect(try cache("find", "1 2", "find", "8192 3200") == "5: 7\n3: 67 20\n")
    let files = try FileManager.default.contentsOfDirectory(atPath: compiler.folder.path)
    #expect(files.filter { $0.hasSuffix(".new") } == [])
  }

  @Test func anotherMachineHasItsOwnChoices() throws {
    _ = try cache("store", "1 2", "3: 4")
    #expect(try cache(machine: "A100, cuBLASLt 13.0.2", "find", "1 2", "store", "1 2", "8: 9") == "none\n")
    #expect(try cache("find", "1 2") == "3: 4\n")
    #expect(try cache(machine: "A100, cuBLASLt 13.0.2", "find", "1 2") == "8: 9\n")
  }

  @Test func withoutAFileWithinTheProcess() throws {
    #expect(try cache(at: "", "store", "1 2", "3: 4", "find", "1 2") == "3: 4\n")
    #expect(try cache(at: "", "find", "1 2") == "none\n")
  }

  @Test func contentThatIsNotOursIsIgnored() throws {
    _ = try cache("store", "1 2", "3: 4")
    let good = try String(contentsOfFile: file, encoding: .utf8)
    let line = "H200, cuBLASLt 13.0.2\t1 2\t3: 4\n"
    #expect(good.hasSuffix(line))
    let header = good.dropLast(line.count)
    for bad in [
      "", "\n", String(header), String(header.dropLast()), String(good.dropLast()), "another header\n" + line,
      header + "H200, cuBLASLt 13.0.2 1 2 3: 4\n", header + "H200, cuBLASLt 13.0.2\t1 2\n",
      header + "H200, cuBLASLt 13.0.2\t1 2\t3\t4\n", String(repeating: "\t\n", count: 100),
      header + String(repeating: "x", count: 5_000_000) + "\n" + line,
    ] {
      try bad.write(toFile: file, atomically: false, encoding: .utf8)
      #expect(try cache("find", "1 2") == "none\n")
    }
    // A line that is damaged does not spoil the others; what is stored next mends the file.
    try (header + "rubbish\n" + line).write(toFile: file, atomically: false, encoding: .utf8)
    #expect(try cache("find", "1 2", "store", "5 6", "7: 8") == "3: 4\n")
    #expect(try String(contentsOfFile: file, encoding: .utf8) == good + "H200, cuBLASLt 13.0.2\t5 6\t7: 8\n")
  }

  @Test func aFileThatCannotBeWritten() throws {
    let nowhere = compiler.folder.path + "/missing/algorithms"
    let output = try cache(at: nowhere, "store", "1 2", "3: 4", "find", "1 2")
    #expect(output == "3: 4\n\(nowhere) cannot be written: No such file or directory")
  }
}
