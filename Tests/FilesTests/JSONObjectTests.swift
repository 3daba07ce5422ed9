import Testing

@testable import Files

struct JSONObjectTests {
  /// Few members are searched, many are indexed: both must behave alike.
  @Test(arguments: [3, 300])
  func keysKeepTheirOrder(_ count: Int) {
    var object = JSONObject()
    for index in 0..<count { object["key \(count - index)"] = .integer(Int64(index)) }
    #expect(object.map(\.key) == (0..<count).map { "key \(count - $0)" })
    object["key 2"] = .null
    #expect(object.count == count)
    #expect(object[count - 2].key == "key 2")
    #expect(object["key 2"] == .null)
    object["key \(count)"] = nil
    #expect(object.count == count - 1)
    #expect(object["key \(count)"] == nil)
    #expect(object["key 1"] == .integer(Int64(count - 1)))
    #expect(object.removeValue(forKey: "key 1") == .integer(Int64(count - 1)))
    #expect(object.removeValue(forKey: "key 1") == nil)
    object["new"] = .bool(true)
    #expect(object.last?.key == "new")
    #expect(object["new"] == .bool(true))
  }

  @Test func orderDoesNotMatterForEquality() {
    let a: JSONObject = ["x": .integer(1), "y": .array([.null])]
    #expect(a == ["y": .array([.null]), "x": .integer(1)])
    #expect(a != ["x": .integer(1)])
    #expect(a != ["x": .integer(1), "z": .array([.null])])
    #expect(a != ["x": .number(1), "y": .array([.null])])
  }
}
