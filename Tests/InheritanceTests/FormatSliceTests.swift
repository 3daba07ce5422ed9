import Checkpoints
import Files
import Foundation
import Models
import TestSupport
import Testing

@testable import Inheritance

/// Whatever form a checkpoint has, its slices are those of the safetensors form: the same bytes.
@Suite(.enabled(if: Shared.isAvailable, "needs the reference files in shared/"))
struct FormatSliceTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let forms: [String] = {
    guard Shared.isAvailable else { return [] }
    do {
      let manifest = try JSON(contentsOf: Shared.path("goldens/formats/manifest.json"))
      return (manifest.array ?? []).compactMap { $0["dir"]?.string }
    } catch { fatalError("goldens/formats/manifest.json: \(error)") }
  }()

  @Test(arguments: forms, ["2", "1,3", "0-3"])
  func sameChild(form: String, layers: String) throws {
    let source = try ModelSource(Shared.path("goldens/formats/\(form)"))
    let reference = try ModelSource(plainForm(of: source, form: form))
    let children = try [source, reference].enumerated().map { index, source in
      let destination = folder.path + "/\(index)"
      let options = SliceOptions(layers: try LayerPlan(layers, layerCount: source.model.layerCount))
      try Slice(source, options: options).write(to: destination, replacing: false, version: "test")
      return destination
    }
    for name in ["config.json", "model.safetensors"] {
      let bytes = try children.map { try Data(contentsOf: URL(fileURLWithPath: $0 + "/" + name)) }
      #expect(bytes[0] == bytes[1], "\(name)")
    }
  }

  /// A Hugging Face directory with the golden's tensors in the form's element type.
  private func plainForm(of source: ModelSource, form: String) throws -> String {
    let family = ["llama-tied", "llama", "gpt2-nobias", "gpt2-scaled", "gpt2"].first { form.hasPrefix($0) } ?? ""
    let golden = try Checkpoint.open(Shared.path("goldens/formats/golden-\(family).safetensors"))
    let type = source.checkpoint.tensors.first { $0.type.isFloat }?.type ?? .float32
    let directory = folder.path + "/plain"
    try FileTree.makeDirectory(directory)
    try ModelDirectory.writeConfiguration(source.model, to: directory, type: type)
    let prefix = "param."
    let tensors = golden.tensors.filter { $0.name.hasPrefix(prefix) }.map { tensor in
      TensorSource(name: String(tensor.name.dropFirst(prefix.count)), type: type, shape: tensor.shape) {
        elements, bytes in
        var values = [Float](repeating: 0, count: elements.count)
        try values.withUnsafeMutableBufferPointer { try golden.read(tensor.name, elements: elements, into: $0) }
        values.withUnsafeBufferPointer { type.convert($0, into: bytes) }
      }
    }
    try SafetensorsWriter.write(tensors, to: directory, maximumShardSize: .max, metadata: ["format": "pt"])
    return directory
  }
}
