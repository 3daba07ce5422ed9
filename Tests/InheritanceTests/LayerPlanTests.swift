import Inheritance
import Testing

struct LayerPlanTests {
  @Test(
    arguments: [
      ("13", Array(0...12)), ("1", [0]), ("26", Array(0...25)), ("0-12", Array(0...12)), ("13-13", [13]),
      ("0,2,4", [0, 2, 4]), ("0-5,20-25", Array(0...5) + Array(20...25)), ("4,3,3", [4, 3, 3]),
      (" 0 - 2 , 7 ", [0, 1, 2, 7]),
      ("5,", nil), ("", nil), ("0", nil), ("-3", nil), ("3-", nil), ("5-2", nil), ("a", nil), ("1.5", nil),
      ("0--2", nil),
      ("27", nil), ("0-26", nil), ("99999999999999999999", nil), ("0-9223372036854775807", nil), ("+3", nil),
      ("٣", nil),
    ] as [(String, [Int]?)])
  func parses(text: String, layers: [Int]?) throws {
    if let layers {
      #expect(try LayerPlan(text, layerCount: 26).layers == layers)
    } else {
      #expect(throws: InheritanceError.self) { try LayerPlan(text, layerCount: 26) }
    }
  }

  @Test func echoes() throws {
    #expect(try LayerPlan("0,1,2,5,7,8", layerCount: 9).description == "0-2,5,7-8")
    #expect(try LayerPlan("3", layerCount: 9).description == "0-2")
    #expect(try LayerPlan("4,3,3,0-1,1", layerCount: 9).description == "4,3,3,0-1,1")
    #expect(try LayerPlan("4,3,3,0-1,1", layerCount: 9).repeated == [1, 3])
  }
}
