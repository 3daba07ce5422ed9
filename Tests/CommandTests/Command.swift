import Foundation
import Testing

/// The built program, run as a user would.
struct Command {
  /// Beside the test bundle, where SwiftPM builds both.
  static let path: String = {
    let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    return own.deletingLastPathComponent().appendingPathComponent("inheritune").path
  }()

  /// Beside the program too.
  private static let cache = URL(fileURLWithPath: path).deletingLastPathComponent().path + "/test-cache"

  struct Outcome {
    var status: Int32
    /// Whether a signal ended it, and not its own exit.
    var wasKilled: Bool
    var output: String
    var errors: String
  }

  /// Runs to the end.
  @discardableResult
  static func run(_ arguments: String..., in directory: String? = nil, environment: [String: String] = [:]) throws
    -> Outcome
  {
    try start(arguments, in: directory, environment: environment).finish()
  }

  static func start(
    _ arguments: [String], in directory: String? = nil, environment: [String: String] = [:],
    program: String = Command.path
  ) throws -> Running {
    let running = try Running()
    let process = running.process
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
    // On a machine with a GPU too: the tests are about this processor, unless they say otherwise. What they choose to
    // multiply with is not for others to find.
    let own = ["INHERITUNE_CUDA_LIB": "no-cuda-library", "XDG_CACHE_HOME": cache]
    process.environment = ProcessInfo.processInfo.environment.merging(own) { $1 }.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = running.output
    process.standardError = running.errors
    try process.run()
    return running
  }

  /// A process that was started. What it prints goes to files, so that it never waits for a reader.
  final class Running {
    let process = Process()
    fileprivate let output: FileHandle
    fileprivate let errors: FileHandle
    private let folder: Folder

    fileprivate init() throws {
      folder = try Folder()
      output = try folder.open("output")
      errors = try folder.open("errors")
    }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    func finish() throws -> Outcome {
      process.waitUntilExit()
      return Outcome(
        status: process.terminationStatus, wasKilled: process.terminationReason == .uncaughtSignal,
        output: try folder.read("output"), errors: try folder.read("errors"))
    }
  }
}

/// A folder that is gone after the test.
final class Folder: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("command-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path): \(error)") }
  }

  func write(_ name: String, _ text: String) throws {
    let url = URL(fileURLWithPath: path + "/" + name)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  /// A new file, to be written by a process.
  func open(_ name: String) throws -> FileHandle {
    try write(name, "")
    return try FileHandle(forWritingTo: URL(fileURLWithPath: path + "/" + name))
  }

  func data(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)) }

  func read(_ name: String) throws -> String { String(decoding: try data(name), as: UTF8.self) }

  func names(_ name: String = "") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path + "/" + name).sorted()
  }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path + "/" + name) }
}
