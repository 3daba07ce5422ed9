import Foundation

/// The folder of third-party data and reference results that stands beside a checkout and is not part of it.
public enum Shared {
  /// `INHERITUNE_SHARED`, or `shared/` beside the repository.
  public static let directory: String = {
    if let path = ProcessInfo.processInfo.environment["INHERITUNE_SHARED"] { return path }
    var url = URL(fileURLWithPath: #filePath)
    for _ in 0..<4 { url.deleteLastPathComponent() }  // Shared.swift, TestSupport, Tests, repository
    return url.appendingPathComponent("shared").path
  }()

  public static let isAvailable = FileManager.default.fileExists(atPath: directory + "/goldens/README.md")

  public static func path(_ relative: String) -> String { directory + "/" + relative }
}
