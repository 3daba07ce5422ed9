/// One domain of a mixture: its name, its weight and where its text is.
public struct DomainInputs: Sendable, Equatable {
  public var name: String
  /// The share of the domain is this over the sum of all weights.
  public var weight: Double
  /// Files, directories and patterns; see `InputFile.expand`.
  public var inputs: [String]

  private static let longestName = 64

  /// - Throws: `DatasetError.invalidOption`.
  public init(name: String, weight: Double, inputs: [String]) throws(DatasetError) {
    func wrong(_ value: String, _ expected: String) -> DatasetError {
      .invalidOption(name: "--domain", value: value, expected: expected)
    }
    let isName = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    guard isName, !name.isEmpty, name.utf8.count <= DomainInputs.longestName else {
      throw wrong("the name '\(name)'", "letters, digits, '_' and '-', at most \(DomainInputs.longestName)")
    }
    guard weight.isFinite, weight > 0 else { throw wrong("the weight \(weight)", "a number above 0") }
    self.name = name
    self.weight = weight
    self.inputs = inputs
  }

  /// All the text there is, when there are no domains.
  init(unnamed inputs: [String]) {
    name = ""
    weight = 1
    self.inputs = inputs
  }

  /// Reads `NAME=WEIGHT:GLOB`.
  /// - Throws: `DatasetError.invalidOption`.
  public init(parsing text: String) throws(DatasetError) {
    guard let equals = text.firstIndex(of: "="),
      let colon = text[text.index(after: equals)...].firstIndex(of: ":"), colon != text.indices.last,
      let weight = Double(text[text.index(after: equals)..<colon])
    else { throw .invalidOption(name: "--domain", value: "'\(text)'", expected: "NAME=WEIGHT:GLOB") }
    try self.init(
      name: String(text[..<equals]), weight: weight, inputs: [String(text[text.index(after: colon)...])])
  }
}

extension [DomainInputs] {
  /// How many of `total` tokens each domain gets: its share, rounded so that all of them are given out (largest remainders).
  func quotas(of total: Int) -> [Int] {
    let sum = reduce(0) { $0 + $1.weight }
    let exact = map { Double(total) * ($0.weight / sum) }
    var quotas = exact.map { Int($0) }
    let byRemainder = indices.sorted { (exact[$0] - Double(quotas[$0]), $1) > (exact[$1] - Double(quotas[$1]), $0) }
    var left = total - quotas.reduce(0, +)
    for index in byRemainder where left > 0 {
      quotas[index] += 1
      left -= 1
    }
    return quotas
  }
}
