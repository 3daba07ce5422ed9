import Files
import Foundation
import Models
import TestSupport
import Testing

@testable import Inheritance

/// Damaged and hostile checkpoints and configurations, through all that `inherit` does with them: each is refused with
/// words or read, as the manifest says, and nothing is left behind or executed. (Tokenizers: TokenizationTests.)
@Suite(.enabled(if: Shared.isAvailable, "needs the reference files in shared/"))
struct HostileFileTests {
  struct Case: Sendable, CustomStringConvertible {
    var description: String
    var expected: String
  }

  static let cases: [Case] = {
    guard Shared.isAvailable else { return [] }
    do {
      return try (JSON(contentsOf: Shared.path("goldens/hostile/manifest.json")).array ?? []).compactMap { entry in
        guard let name = entry["dir"]?.string, let expected = entry["expected"]?.string,
          let kind = entry["kind"]?.string, !kind.hasPrefix("tokenizer")
        else { return nil }
        return Case(description: name, expected: expected)
      }
    } catch { return [] }
  }()

  @Test func casesAreThere() { #expect(Self.cases.count == 201) }

  @Test(arguments: cases)
  func inherit(test: Case) throws {
    let folder = try TemporaryFolder()
    let source = Shared.path("goldens/hostile/\(test)")
    let before = try FileManager.default.contentsOfDirectory(atPath: source)
    var failure: (any Error)?
    do {
      let source = try ModelSource(source)
      let slice = try Slice(
        source, options: SliceOptions(layers: try LayerPlan("1", layerCount: source.model.layerCount)))
      try slice.write(to: folder.path + "/child", replacing: false, version: "test")
    } catch { failure = error }
    switch test.expected {
    case "error": #expect(failure != nil)
    case "ok": #expect(failure == nil)
    default: break
    }
    if let failure { #expect(!"\(failure)".contains("\n")) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == (failure == nil ? ["child"] : []))
    #expect(try FileManager.default.contentsOfDirectory(atPath: source) == before)
    for place in [source, folder.path, FileManager.default.currentDirectoryPath] {
      #expect(!FileManager.default.fileExists(atPath: place + "/HOSTILE-CODE-RAN"))
    }
  }
}
