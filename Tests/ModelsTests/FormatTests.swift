import CPUBackend
import Checkpoints
import Files
import ModelChecks
import Programs
import TestSupport
import Testing

@testable import Models

/// The same small models in all the forms in which people keep checkpoints (goldens/formats, written by torch,
/// safetensors and h5py): each is opened by its directory alone, has its golden's tensors bit for bit, and its logits.
@Suite(.enabled(if: Shared.isAvailable, "needs the reference files in shared/"))
struct FormatTests {
  @Test func allForms() { #expect(FormatCase.all.count == 62) }

  @Test(arguments: FormatCase.all)
  func tensors(form: FormatCase) throws {
    let source = try ModelSource(form.directory)
    let golden = try form.golden()
    let names = try source.model.weights.match(source.checkpoint)
    for (entry, name) in zip(source.model.weights.entries, names) {
      guard let name else {
        #expect(entry.content == .zeros)
        continue
      }
      #expect(source.checkpoint.description(of: name)?.type == form.type)
      let expected = form.type.rounded(try golden.floats("param." + entry.name))
      #expect(try source.checkpoint.floats(name).map(\.bitPattern) == expected.map(\.bitPattern), "\(entry.name)")
    }
    // Nothing of the golden is left out, but zeros that the model does not have.
    let zeros = source.model.weights.entries.filter { $0.content == .zeros }.map(\.name)
    let known = Set(source.model.weights.entries.map(\.name))
    for tensor in golden.tensors where tensor.name.hasPrefix("param.") {
      #expect(known.contains(String(tensor.name.dropFirst("param.".count))), "\(tensor.name)")
    }
    for name in zeros { #expect(try golden.floats("param." + name).allSatisfy { $0 == 0 }, "\(name)") }
  }

  @Test(arguments: FormatCase.all)
  func logits(form: FormatCase) throws {
    let source = try ModelSource(form.directory)
    let golden = try form.golden()
    let rows = try golden.ids("input_ids")
    let length = rows[0].count
    let store = try ParameterStore.load(source.model, from: source.checkpoint, device: CPUDevice(threads: 1))
    let program = try DecodeProgram(
      source.model, store: store, length: length, logitRows: length,
      cache: KeyValueCache(device: store.device, capacity: length))
    let logits = try rows.flatMap { try program.run($0, at: 0) }
    #expect(largestDifference(logits, try golden.floats(form.logits)) <= form.tolerance)
  }

  /// One weights file alone takes its configuration from beside it, or carries it.
  @Test(arguments: FormatCase.all.filter { $0.weights.count == 1 })
  func loneFile(form: FormatCase) throws {
    let whole = try ModelSource(form.directory)
    let lone = try ModelSource(form.directory + "/" + form.weights[0])
    #expect(lone.model.configuration == whole.model.configuration && lone.dialect == whole.dialect)
    #expect(lone.checkpoint.tensors == whole.checkpoint.tensors)
  }

  @Test(arguments: FormatCase.all)
  func dialect(form: FormatCase) throws {
    let expected = ["nanogpt": "nanoGPT", "litgpt": "lit-gpt", "tf-h5": "TensorFlow"]
      .first { form.name.contains($0.key) }?.value
    #expect(try ModelSource(form.directory).dialect == expected)
  }

  /// Trained models in llama2.c's own form, against what a converter of its author's numbers made of them.
  @Test(arguments: [
    ("stories260K/stories260K.bin", "stories260K-hf"), ("babyllama-tok105/model5000.bin", "babyllama-tok105-hf"),
  ])
  func llama2C(file: String, directory: String) throws {
    let source = try ModelSource(Shared.path("data/weights/\(file)"))
    let reference = try ModelSource(Shared.path("data/weights/\(directory)"))
    #expect(source.dialect == "llama2.c")
    #expect(source.checkpoint.tensors.map(\.name).sorted() == reference.checkpoint.tensors.map(\.name).sorted())
    for tensor in reference.checkpoint.tensors {
      #expect(source.checkpoint.description(of: tensor.name) == tensor)
      let expected = try reference.checkpoint.floats(tensor.name).map(\.bitPattern)
      #expect(try source.checkpoint.floats(tensor.name).map(\.bitPattern) == expected, "\(tensor.name)")
    }
    let ids: [Int32] = [1, 7, 42, 99, 3, 64, 12, 5]
    let logits = try [source, reference].map { source in
      let store = try ParameterStore.load(source.model, from: source.checkpoint, device: CPUDevice(threads: 1))
      let program = try DecodeProgram(
        source.model, store: store, length: ids.count, logitRows: ids.count,
        cache: KeyValueCache(device: store.device, capacity: ids.count))
      return try program.run(ids, at: 0)
    }
    #expect(logits[0].map(\.bitPattern) == logits[1].map(\.bitPattern))
  }
}

/// One form of goldens/formats.
struct FormatCase: Sendable, CustomTestStringConvertible {
  let name: String
  /// The files.
  let weights: [String]
  let type: ElementType
  let logits: String
  let tolerance: Double
  private let goldenFile: String

  var testDescription: String { name }
  var directory: String { Shared.path("goldens/formats/\(name)") }

  func golden() throws -> any CheckpointReader { try Checkpoint.open(Shared.path("goldens/formats/\(goldenFile)")) }

  static let all: [FormatCase] = {
    guard Shared.isAvailable else { return [] }
    do {
      return try (JSON(contentsOf: Shared.path("goldens/formats/manifest.json")).array ?? []).map(FormatCase.init)
    } catch { fatalError("goldens/formats/manifest.json: \(error)") }
  }()

  private init(_ json: JSON) throws {
    let types: [String: ElementType] = ["float32": .float32, "bf16": .bfloat16, "fp16": .float16, "f64": .float64]
    name = try #require(json["dir"]?.string)
    weights = try #require(json["weights"]?.array).compactMap(\.string)
    type = try #require(types[json["dtype"]?.string ?? ""])
    logits = try #require(json["golden"]?.string)
    tolerance = try #require(json["tolerance_abs"]?.double)
    goldenFile = try #require(json["golden_file"]?.string)
  }
}

extension ElementType {
  /// As they are after a stay in this type.
  func rounded(_ values: [Float]) -> [Float] {
    var bytes = [UInt8](repeating: 0, count: values.count * size)
    var result = values
    values.withUnsafeBufferPointer { values in bytes.withUnsafeMutableBytes { convert(values, into: $0) } }
    bytes.withUnsafeBytes { bytes in result.withUnsafeMutableBufferPointer { convert(bytes, into: $0) } }
    return result
  }
}
