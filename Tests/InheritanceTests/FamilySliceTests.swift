import CPUBackend
import Checkpoints
import Files
import Inheritance
import Models
import Programs
import TestSupport
import Testing

/// What slicing must know of a family: the order of a packed tensor, and what a block's number implies.
@Suite(.enabled(if: Shared.isAvailable, "needs the reference files in shared/"))
struct FamilySliceTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func slice(_ name: String, _ layers: String, parts: Set<ModelPart>) throws -> (
    slice: Slice, child: ModelSource
  ) {
    let source = try ModelSource(Shared.path("goldens/models/\(name)"))
    var options = SliceOptions(layers: try LayerPlan(layers, layerCount: source.model.layerCount))
    options.parts = parts
    let slice = try Slice(source, options: options)
    try slice.write(to: folder.path + "/child", replacing: false, version: "test")
    return (slice, try ModelSource(folder.path + "/child"))
  }

  /// GPT-NeoX' q, k and v, which the file and the parameter have in different orders, start anew with the same numbers on
  /// the disk, on a device, and where no file is.
  @Test(arguments: ["gpt_neox", "gemma", "qwen2"])
  func freshWeights(name: String) throws {
    let (slice, child) = try slice(name, "1", parts: [.mlp])
    let device = try CPUDevice(threads: 1)
    let written = try ParameterStore.load(child.model, from: child.checkpoint, device: device)
    let direct = try slice.makeStore(on: device, precision: .float32) { _ in .frozen }
    let fresh = try ParameterStore(device: device, parameters: slice.model.parameters)
    try fresh.initialize(seed: slice.options.seed)
    for parameter in slice.model.parameters {
      let range = 0..<parameter.count
      let values = try written.read(range, of: parameter.name)
      #expect(try direct.read(range, of: parameter.name) == values, "\(parameter.name)")
      let isFresh = !parameter.name.contains(".mlp.")
      #expect(try (fresh.read(range, of: parameter.name) == values) == isFresh, "\(parameter.name)")
    }
  }

  /// Gemma 2: blocks 0 and 2 slide, and go on doing so.
  @Test func movedBlocksKeepTheirWindow() throws {
    let (_, child) = try slice("gemma2", "1,0,2", parts: Set(ModelPart.allCases))
    let types = try #require(child.model.configuration["layer_types"]?.array).compactMap(\.string)
    #expect(types == ["full_attention", "sliding_attention", "sliding_attention"])
  }
}
