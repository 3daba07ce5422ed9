import Files
import Foundation
import TestSupport
import Testing

@testable import Checkpoints

/// Files of h5py: Keras' layout of GPT-2, and damaged ones.
@Suite(.enabled(if: Shared.isAvailable, "needs the reference files in shared/"))
struct HDF5ReferenceTests {
  /// What TensorFlow calls a parameter.
  private func kerasName(_ name: String) -> String {
    var parts = name.split(separator: ".").map(String.init)
    let last = parts.removeLast()
    let owner = parts[parts.count - 1]
    var names = ["weight": owner == "wpe" ? "embeddings" : "weight"]
    if owner.hasPrefix("ln_") { names = ["weight": "gamma", "bias": "beta"] }
    if parts.count > 2 { parts.replaceSubrange(1...2, with: ["h_._\(parts[2])"]) }
    return "transformer/tfgp_t2lm_head_model/\(parts.joined(separator: "/"))/\(names[last] ?? last):0"
  }

  @Test func gpt2IsBitEqual() throws {
    let checkpoint = try HDF5Checkpoint(Shared.path("goldens/formats/gpt2-tf-h5/tf_model.h5"))
    let golden = try Checkpoint.open(Shared.path("goldens/formats/golden-gpt2.safetensors"))
    var compared = 0
    for parameter in golden.tensors where parameter.name.hasPrefix("param.transformer.") {
      let name = kerasName(String(parameter.name.dropFirst("param.".count)))
      // The biases of matrices are [1, n].
      #expect(checkpoint.description(of: name)?.shape.drop { $0 == 1 } == parameter.shape[...], "\(name)")
      #expect(try checkpoint.bytes(of: name) == golden.bytes(of: parameter.name), "\(name)")
      compared += 1
    }
    #expect(compared == checkpoint.tensors.count && compared > 10)
    #expect(checkpoint.metadata == ["backend": "tensorflow", "keras_version": "2.4.0"])
    #expect(checkpoint.settings["layer_names"] == .array([.string("transformer")]))
    #expect(checkpoint.settings["weight_names"]?["transformer"]?.array?.count == compared)
  }

  // MARK: - Damaged files

  static let hostile: [JSON] = {
    guard Shared.isAvailable else { return [] }
    do {
      let cases = try JSON(contentsOf: Shared.path("goldens/hostile/manifest.json")).array ?? []
      return cases.filter { $0["kind"]?.string == "hdf5" }
    } catch {
      Issue.record("\(error)")
      return []
    }
  }()

  /// Valid files which only a model can refuse: they hold other tensors than its configuration asks for.
  private static let leftToTheModel: Set = ["h5-type-int", "h5-shape-other"]

  @Test func thereAreCases() { #expect(Self.hostile.count == 21) }

  @Test(arguments: hostile.compactMap { $0["dir"]?.string })
  func hostileFile(_ name: String) throws {
    let expected = Self.hostile.first { $0["dir"]?.string == name }?["expected"]?.string
    let path = Shared.path("goldens/hostile/\(name)/tf_model.h5")
    var found = ""
    let time = ContinuousClock().measure {
      found = message {
        let file = try HDF5Checkpoint(path)
        for tensor in file.tensors { _ = try file.bytes(of: tensor.name) }
      }
    }
    #expect(time < .seconds(1))
    if expected == "ok" || Self.leftToTheModel.contains(name) {
      #expect(found == "no error")
    } else if expected == "error" {
      #expect(found.hasPrefix(path + ": "), "\(found)")
      #expect(!found.contains("\n") && found.count < 600, "\(found)")
    }
  }
}
