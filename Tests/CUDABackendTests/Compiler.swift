import Foundation

/// Makes small libraries and programs to load and run, with the clang that comes with Swift.
struct Compiler {
  /// In the PATH, or beside the swift that is there; nil: there is none.
  static let clang: String? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    let besideSwift = folders.filter { FileManager.default.isExecutableFile(atPath: $0 + "/swift") }.map {
      URL(fileURLWithPath: $0 + "/swift").resolvingSymlinksInPath().deletingLastPathComponent().path
    }
    return (folders + besideSwift).map { $0 + "/clang" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }()
  static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
  static let sources = URL(fileURLWithPath: tests).deletingLastPathComponent().path + "/Sources"

  /// A folder that goes when the test ends.
  final class Folder {
    let path: String

    init() throws {
      path = FileManager.default.temporaryDirectory.appendingPathComponent("cuda-\(UUID().uuidString)").path
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
      do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path): \(error)") }
    }

    func make(_ name: String) throws -> String {
      try FileManager.default.createDirectory(atPath: path + "/" + name, withIntermediateDirectories: true)
      return path + "/" + name
    }

    func write(_ name: String, _ text: String) throws -> String {
      try text.write(toFile: path + "/" + name, atomically: false, encoding: .utf8)
      return path + "/" + name
    }
  }

  let folder: Folder

  init() throws { folder = try Folder() }

  /// A shared library of this C code.
  @discardableResult
  func library(_ name: String, _ code: String, options: [String] = []) throws -> String {
    let source = try folder.write(name.replacing("/", with: "-") + ".c", code)
    let library = folder.path + "/" + name
    try run(
      Self.clang!, ["-shared", "-fPIC", "-I\(Self.sources)/CCUDA/include", "-w", source, "-o", library] + options)
    return library
  }

  /// A program of this code and a source of the package, C or C++ by their names.
  func program(_ name: String, _ code: String, with source: String, options: [String] = []) throws -> String {
    let main = try folder.write(name, code)
    let program = folder.path + "/" + name + ".program"
    try run(
      Self.clang!,
      ["-I\(Self.sources)/CCUDA/include"] + options + [main, Self.sources + "/" + source, "-o", program, "-ldl"])
    return program
  }

  /// What it prints.
  @discardableResult
  func run(_ program: String, _ arguments: [String], environment: [String: String]? = nil) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    if let environment { process.environment = environment }
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    process.standardInput = FileHandle.nullDevice
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure(description: "\(program) \(arguments): \(output)") }
    return output
  }

  struct Failure: Error, CustomStringConvertible { var description: String }
}
