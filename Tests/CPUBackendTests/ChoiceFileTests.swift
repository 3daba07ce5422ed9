import Foundation
import Synchronization
import Testing

@testable import CPUBackend

@Suite("The file of choices")
struct ChoiceFileTests {
  private let folder: TemporaryFolder
  private let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path + "/choices"
  }

  /// What is answered when the file does not know, `choice`: nil where it must know.
  private func ask(_ question: String, machine: String = "EPYC", at path: String? = nil, _ choice: String?) -> String? {
    ChoiceFile(path: path ?? self.path, machine: machine).choice(for: question) {
      !$0.isEmpty && !$0.contains("gone")
    } choose: {
      #expect(choice != nil, "\(question) was known")
      return choice ?? ""
    }
  }

  @Test func remembers() throws {
    #expect(ask("NT 1 2 3", "plain") == "plain")
    #expect(ask("NN 1 2 3", "mkl") == "mkl")
    #expect(ask("NT 1 2 3", nil) == "plain")
    #expect(ask("NN 1 2 3", nil) == "mkl")
  }

  @Test func anotherMachineHasItsOwn() throws {
    #expect(ask("NT 1 2 3", "plain") == "plain")
    #expect(ask("NT 1 2 3", machine: "Xeon", "mkl") == "mkl")
    #expect(ask("NN 1 2 3", "openblas") == "openblas")
    #expect(ask("NN 1 2 3", machine: "Xeon", "onednn") == "onednn")
    #expect(ask("NT 1 2 3", nil) == "plain")
    #expect(ask("NT 1 2 3", machine: "Xeon", nil) == "mkl")
    #expect(ask("NN 1 2 3", nil) == "openblas")
    #expect(ask("NN 1 2 3", machine: "Xeon", nil) == "onednn")
  }

  @Test func whatCannotBeUsedIsChosenAgain() throws {
    #expect(ask("NT 1 2 3", "gone") == "gone")
    #expect(ask("NT 1 2 3", "plain") == "plain")
    #expect(ask("NT 1 2 3", nil) == "plain")
  }

  @Test func damage() throws {
    #expect(ask("NT 1 2 3", "plain") == "plain")
    let good = try Data(contentsOf: URL(fileURLWithPath: path))
    let text = String(decoding: good, as: UTF8.self)
    let header = try #require(text.split(separator: "\n").first) + "\n"
    for bad in [
      "", "\n", String(header), String(header.dropLast()), String(text.dropLast()), "another file\n" + text,
      header + "EPYC\nNT 1 2 3\tplain\n", header + "\tNT 1 2 3\tplain\n", header + "EPYC\n\tNT 1 2 3\n",
      header + "EPYC\n\tNT 1 2 3\t\n", header + "EPYC\n\tNT 1 2 3\tgone\n", String(repeating: "\t\n", count: 1000),
      String(repeating: "x", count: 2_000_000), text + String(repeating: "x", count: 2_000_000), "\0\u{FF}\r\n",
    ] {
      try Data(bad.utf8).write(to: URL(fileURLWithPath: path))
      #expect(ask("NT 1 2 3", "mkl") == "mkl", "\(bad.prefix(100))")
      #expect(ask("NT 1 2 3", nil) == "mkl", "\(bad.prefix(100))")
      #expect(ask("NN 1 2 3", "onednn") == "onednn", "\(bad.prefix(100))")
      #expect(ask("NN 1 2 3", nil) == "onednn", "\(bad.prefix(100))")
    }
    // Cut off anywhere, nothing is read that was not written, and what was written before stays.
    #expect(ask("NT 4 5 6", machine: "Xeon", "openblas") == "openblas")
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    for count in good.count..<whole.count {
      try whole.prefix(count).write(to: URL(fileURLWithPath: path))
      #expect(ask("NN 1 2 3", machine: "Xeon", "mkl") == "mkl", "\(count)")
      #expect(ask("NN 1 2 3", machine: "Xeon", nil) == "mkl", "\(count)")
    }
  }

  @Test func nowhereToRemember() throws {
    for path in [folder.path, folder.path + "/missing/choices", "/proc/self/choices"] {
      #expect(ask("NT 1 2 3", at: path, nil) == nil)
    }
    // A pipe that nobody reads, or writes.
    #expect(mkfifo(path, 0o600) == 0)
    #expect(ask("NT 1 2 3", nil) == nil)
    // No file.
    #expect(ask("NT 1 2 3", at: "/dev/full", nil) == nil)
  }

  @Test func allThatAskAtOnceGetTheSameAnswer() throws {
    let file = ChoiceFile(path: path, machine: "EPYC")
    let answers = Mutex<[String?]>([])
    let count = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: 8) { index in
      for question in 0..<20 {
        let answer = file.choice(for: "\(question)") { _ in
          true
        } choose: {
          count.withLock { $0 += 1 }
          return "\(question) of \(index)"
        }
        answers.withLock { $0.append(answer) }
      }
    }
    #expect(count.withLock { $0 } == 20)
    #expect(Set(answers.withLock { $0 }).count == 20)
  }
}

/// A folder that is gone after the test.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("cpu-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path): \(error)") }
  }
}
