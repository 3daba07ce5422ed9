import Files
import Testing

@testable import Models

/// A block keeps what its place in the reference meant: `layer_types`, said or implied.
struct LayerSelectionTests {
  private static let full = "full_attention"
  private static let sliding = "sliding_attention"

  private func types(_ model: Model) -> [String]? {
    model.configuration["layer_types"]?.array?.compactMap(\.string)
  }

  private func windows(_ model: Model) throws -> [Bool] {
    try #require(model.family.layerSettings["layer_types"]).map { $0.string == Self.sliding }
  }

  private func qwen(_ changes: JSONObject = [:]) throws -> Model {
    var keys: JSONObject = ["use_sliding_window": .bool(true), "max_window_layers": .integer(2)]
    for (key, value) in changes { keys[key] = value }
    return try FamilyConfigurationTests.model("qwen2", keys)
  }

  @Test func explicitLists() throws {
    let list = [Self.full, Self.sliding, Self.sliding, Self.full].map { JSON.string($0) }
    let model = try qwen(["layer_types": .array(list), "no_rope_layers": .array([1, 2, 3, 4].map { .integer($0) })])
    let child = try model.selectingLayers([3, 1, 1])
    #expect(types(child) == [Self.full, Self.sliding, Self.sliding])
    #expect(child.configuration["no_rope_layers"] == .array([.integer(4), .integer(2), .integer(2)]))
    #expect(child.layerCount == 3)
  }

  /// Gemma 2: even blocks slide, unless the file says otherwise.
  @Test func impliedByEvenNumbers() throws {
    let model = try FamilyConfigurationTests.model("gemma2")
    let first = try model.selectingLayers([0, 1])
    #expect(types(first) == nil)
    #expect(try windows(first) == [true, false])
    let moved = try model.selectingLayers([1, 3, 2])
    #expect(types(moved) == [Self.full, Self.full, Self.sliding])
    #expect(try windows(moved) == [false, false, true])
    // Said once, it stays said.
    #expect(types(try moved.selectingLayers([2, 0])) == [Self.sliding, Self.full])
  }

  /// Qwen 2: blocks slide from `max_window_layers` on.
  @Test func impliedByTheFirstSlidingBlock() throws {
    let model = try qwen()
    #expect(types(try model.selectingLayers([0, 1, 2])) == nil)
    let moved = try model.selectingLayers([2, 0, 3])
    #expect(types(moved) == [Self.sliding, Self.full, Self.sliding])
    #expect(try windows(moved) == [true, false, true])
    #expect(types(try FamilyConfigurationTests.model("qwen2").selectingLayers([3, 2])) == nil)
  }
}
