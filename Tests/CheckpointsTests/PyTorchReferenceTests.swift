import Files
import Foundation
import TestSupport
import Testing

@testable import Checkpoints

/// Files that torch.save has written, and damaged and hostile ones.
@Suite(.enabled(if: Shared.isAvailable, "needs the reference files in shared/"))
struct PyTorchReferenceTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let values: JSON
    var testDescription: String { values["dir"]?.string ?? "" }
  }

  private static func cases(_ manifest: String, where isWanted: (JSON) -> Bool) -> [Case] {
    guard Shared.isAvailable else { return [] }
    do {
      return (try JSON(contentsOf: Shared.path(manifest)).array ?? []).filter(isWanted).map { Case(values: $0) }
    } catch {
      Issue.record("\(error)")
      return []
    }
  }

  // MARK: - The same model in every form

  private static let extensions = [".bin", ".pt", ".pth"]

  static let formats = cases("goldens/formats/manifest.json") { form in
    let weights = form["weights"]?.array?.compactMap(\.string) ?? []
    return weights.contains { name in extensions.contains { name.hasSuffix($0) } }
      && !weights.contains { $0.hasSuffix(".safetensors") }
  }

  @Test func thereAreCases() {
    #expect(Self.formats.count == 41)
    #expect(Self.hostile.count == 83)
  }

  @Test(arguments: formats)
  func parametersAreBitEqual(_ form: Case) throws {
    let form = form.values
    let directory = form["dir"]?.string ?? ""
    let checkpoint = try Checkpoint.open(Shared.path("goldens/formats/\(directory)"))
    let golden = try Checkpoint.open(Shared.path("goldens/formats/\(form["golden_file"]?.string ?? "")"))
    let stored: ElementType = ["bf16": .bfloat16, "fp16": .float16][form["dtype"]?.string ?? ""] ?? .float32
    let isLegacy = directory.contains("legacy")
    #expect(checkpoint.format == (isLegacy ? .legacyPyTorch : .pyTorch))
    #expect(checkpoint.files.contains { checkpoint.header(of: $0) != nil })
    // lit-gpt has other names and fused matrices, nanoGPT prefixes and transposed ones: as many elements must be there.
    if directory.contains("litgpt") || directory.contains("nanogpt") { return try compareElements(checkpoint, golden) }
    var compared = 0
    for parameter in golden.tensors where parameter.name.hasPrefix("param.") {
      let name = String(parameter.name.dropFirst("param.".count))
      let names = [name, name.hasPrefix("transformer.") ? String(name.dropFirst("transformer.".count)) : name]
      guard let found = names.lazy.compactMap({ checkpoint.description(of: $0) }).first else {
        Issue.record("\(name) is missing")
        continue
      }
      #expect(found.shape == parameter.shape && found.type == stored)
      let expected = stored.floats(of: stored.bytes(of: try golden.floats(parameter.name)))
      #expect(try checkpoint.floats(found.name).map(\.bitPattern) == expected.map(\.bitPattern), "\(name)")
      compared += 1
    }
    #expect(compared > 10)
  }

  /// Every parameter's bits, as a set of all elements: in whatever order the program stores them.
  private func compareElements(_ checkpoint: any CheckpointReader, _ golden: any CheckpointReader) throws {
    func elements(_ reader: any CheckpointReader, _ names: [String]) throws -> [UInt32] {
      try names.flatMap { try reader.floats($0).map(\.bitPattern) }.sorted()
    }
    // Without biases the golden has zeros for them.
    let hasBiases = checkpoint.tensors.contains { $0.name.hasSuffix("ln_f.bias") }
    let parameters = golden.tensors.map(\.name).filter {
      $0.hasPrefix("param.") && (hasBiases || !$0.hasSuffix(".bias"))
    }
    let expected = try elements(golden, parameters)
    // The masks are no parameters; the embedding is the head too in nanoGPT.
    let isTied = checkpoint.tensors.contains { $0.name.contains("wpe") }
    let names = checkpoint.tensors.map(\.name).filter { name in
      !name.hasSuffix(".attn.bias") && !(isTied && name.hasSuffix("lm_head.weight"))
    }
    #expect(try elements(checkpoint, names) == expected)
  }

  @Test func settingsOfTrainingCheckpoints() throws {
    let nano = try Checkpoint.open(Shared.path("goldens/formats/gpt2-nanogpt")).settings
    #expect(nano["model_args"]?["n_layer"]?.integer != nil && nano["model_args"]?["bias"]?.bool == true)
    #expect(nano["iter_num"]?.integer == 2000 && nano["config"]?["learning_rate"]?.double == 6e-4)
    #expect(nano["optimizer"] == nil && nano["model"] == nil && nano["best_val_loss"] == nil)
    let lit = try Checkpoint.open(Shared.path("goldens/formats/llama-litgpt-train")).settings
    #expect(lit["hparams"]?["betas"] == .array([.number(0.9), .number(0.95)]) && lit["step_count"]?.integer == 60)
  }

  // MARK: - All types

  @Test(arguments: ["zip.pt", "zip-protocol3.pt", "zip-protocol5.pt", "legacy.pt"])
  func everyTypeAndView(_ name: String) throws {
    let checkpoint = try Checkpoint.open(Shared.path("goldens/formats/tensors/\(name)"))
    let expected = try #require(JSON(contentsOf: Shared.path("goldens/formats/tensors/expected.json")).object)
    var compared = 0
    for (key, value) in expected {
      guard let tensor = value["tensor"] else { continue }
      let found = try #require(checkpoint.description(of: key))
      #expect(found.type.torchName == tensor["dtype"]?.string, "\(key)")
      #expect(found.shape == tensor["shape"]?.array?.compactMap(\.integer), "\(key)")
      let bytes = try checkpoint.bytes(of: key)
      let values = tensor["values"]?.array ?? []
      let size = found.type.size
      #expect(bytes.count == values.count * size)
      for (index, value) in values.enumerated() {
        let element = Array(bytes[index * size..<(index + 1) * size])
        #expect(try element == expectedBytes(value, found.type), "\(key)[\(index)]")
      }
      compared += 1
    }
    #expect(compared == checkpoint.tensors.count && compared > 20)
    let plain = checkpoint.settings["plain"]
    #expect(plain?["int"]?.integer == 7 && plain?["neg"]?.integer == -1 && plain?["float"]?.double == -0.125)
    #expect(plain?["str"]?.string == "d\u{E9}j\u{E0} \u{65E5}\u{672C}" && plain?["none"] == .null)
    #expect(plain?["int_keys"] == .object(["0": .string("zero"), "1": .string("one")]))
    #expect(plain?["big"] == nil && plain?["set"] == nil && plain?["bytes"] == nil)
    #expect(checkpoint.settings["nested"] == nil)
  }

  private func expectedBytes(_ value: JSON, _ type: ElementType) throws -> [UInt8] {
    if let text = value.string {
      let number = try #require(Double(text))
      return type == .float64 ? little(number.bitPattern) : type.bytes(of: [Float(number)])
    }
    return Array(little(Int64(try #require(value.integer))).prefix(type.size))
  }

  // MARK: - Hostile files

  static let hostile = cases("goldens/hostile/manifest.json") { $0["kind"]?.string == "pickle" }

  /// Valid files which only a model can refuse: they hold other tensors than its configuration asks for.
  private static let leftToTheModel: Set = ["pt-shape-other", "pt-size-expanded-huge"]

  @Test(arguments: hostile)
  func hostileFile(_ test: Case) throws {
    let test = test.values
    let name = test["dir"]?.string ?? ""
    let directory = Shared.path("goldens/hostile/\(name)")
    var found = ""
    let elapsed = ContinuousClock().measure {
      found = message { () throws -> Void in
        let checkpoint = try Checkpoint.open(directory)
        for tensor in checkpoint.tensors where tensor.elementCount < 1 << 20 {
          _ = try checkpoint.bytes(of: tensor.name)
        }
      }
    }
    #expect(elapsed < .seconds(1), "\(elapsed)")
    if test["expected"]?.string == "ok" || Self.leftToTheModel.contains(name) {
      #expect(found == "no error")
    } else if test["expected"]?.string == "error" {
      #expect(found.hasPrefix(directory), "\(found)")
      #expect(!found.contains("\n") && found.count < 700, "\(found)")
    }
    let ran = [".", "..", directory, directory + "/..", NSTemporaryDirectory()].filter {
      FileManager.default.fileExists(atPath: $0 + "/HOSTILE-CODE-RAN")
    }
    #expect(ran.isEmpty)
  }
}
