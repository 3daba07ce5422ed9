import Files
import Foundation
import HDF5Fixtures
import Testing

@testable import Datasets

/// Mixtures that `prepare --domain` wrote, and HDF5 files.
struct MixtureTests {
  let directory: TemporaryDirectory
  init() throws { directory = try TemporaryDirectory() }

  /// RedPajama's, as the paper samples it.
  private static let redPajama: [(name: String, weight: Double)] = [
    ("arxiv", 2.5), ("book", 4.5), ("c4", 15), ("cc", 67), ("github", 4.5), ("stackexchange", 2), ("wikipedia", 4.5),
  ]

  private func mixture(_ domains: [MixtureDescription.Domain]) -> MixtureDescription {
    MixtureDescription(
      storage: .uint16, vocabularySize: 65_536, tokenizerHash: "ab", separator: .append, separatorToken: 9,
      maximumTokens: nil, missing: [], domains: domains)
  }

  private func write(_ mixture: MixtureDescription) throws {
    try directory.write("m/dataset.json", mixture.json.serialized(indent: 1))
  }

  /// Seven domains of different lengths; the thousands of an id tell the domain.
  private func writeRedPajama() throws -> MixtureDescription {
    let domains = try Self.redPajama.enumerated().map { index, domain in
      let count = 60 + 30 * index
      try directory.tokens("m/\(domain.name)/train.bin", 1000 * index..<1000 * index + count)
      try directory.tokens("m/\(domain.name)/validation.bin", 1000 * index + 900..<1000 * index + 910)
      return MixtureDescription.Domain(
        name: domain.name, weight: domain.weight,
        train: .init(file: domain.name + "/train.bin", group: nil, tokens: count, documents: 1),
        validation: .init(file: domain.name + "/validation.bin", group: nil, tokens: 10, documents: 1))
    }
    let mixture = mixture(domains)
    try write(mixture)
    return mixture
  }

  @Test func aDirectoryIsAWholeMixture() throws {
    let mixture = try writeRedPajama()
    #expect(try MixtureDescription(path: directory.path + "/m/dataset.json") == mixture)
    let domains = try #require(try TokenSource.domains(of: directory.path + "/m/"))
    #expect(domains.map(\.name) == Self.redPajama.map(\.name) && domains.map(\.weight) == Self.redPajama.map(\.weight))
    #expect(domains[6].tokens == 240)
    #expect(domains[2].files[0].boundary == DocumentBoundary(token: 9, side: .append))
    #expect(try TokenSource(validationBeside: [directory.path + "/m"])?.tokens == 70)
    #expect(try TokenSource(paths: [directory.path + "/m"], split: .validation).files.count == 7)
    #expect(
      error { try TokenSource(paths: [directory.path + "/m"], split: .train) }
        == .mixtureInsideSource(path: directory.path + "/m"))
    // One domain alone is none.
    #expect(try TokenSource.domains(of: directory.path + "/m/cc") == nil)
    #expect(try TokenSource(paths: [directory.path + "/m/cc"], split: .train).tokens == 150)
  }

  /// χ² of 10,000 batches of 8 rows with 6 degrees of freedom: 22.46 is exceeded once in a thousand seeds; this
  /// one is fixed.
  @Test(arguments: Sampling.allCases) func domainsComeByWeight(sampling: Sampling) throws {
    _ = try writeRedPajama()
    let sources = try #require(try TokenSource.domains(of: directory.path + "/m"))
    let loader = try BatchLoader(sources: sources, sequenceLength: 4, sampling: sampling, seed: 1337)
    let memory = BatchMemory(rows: 8, length: 4, documentStarts: false)
    var counts = [Double](repeating: 0, count: 7)
    for _ in 0..<100 {
      try loader.next(rows: 8, memory.rows)
      for row in 0..<8 { counts[Int(memory.rows.tokens[4 * row]) / 1000] += 1 }
    }
    #expect(loader.state.sources.map(\.rows) == counts.map { Int($0) })
    // Drawing is what counts; reading the rows of so many batches would take a while here.
    loader.skip(rows: 9_900 * 8)
    let rows = loader.state.sources.map(\.rows)
    let total = Self.redPajama.reduce(0) { $0 + $1.weight }
    let statistic = zip(rows, Self.redPajama).reduce(0.0) { sum, pair in
      let expected = 80_000 * pair.1.weight / total
      return sum + (Double(pair.0) - expected) * (Double(pair.0) - expected) / expected
    }
    #expect(rows.reduce(0, +) == 80_000 && statistic < 22.46, "\(statistic) \(rows)")
    // Each source has epochs of its own.
    if sampling == .epochs {
      for (index, source) in loader.state.sources.enumerated() {
        let blocks = (59 + 30 * index) / 4
        #expect(source.epoch == source.rows / blocks && source.position == source.rows % blocks)
      }
    }
  }

  @Test func filesMustBeAsLongAsItSays() throws {
    var mixture = try writeRedPajama()
    mixture.domains[1].train.tokens += 1
    try write(mixture)
    let path = directory.path + "/m/book/train.bin"
    #expect(error { try TokenDataset(directory.path + "/m") } == .countMismatch(path: path, expected: 91, found: 90))
    try FileManager.default.removeItem(atPath: path)
    #expect(error { try TokenDataset(directory.path + "/m") } == .inputNotFound(path: path))
  }

  @Test(arguments: [
    ("version", JSON.integer(2)), ("dtype", .string("int8")), ("vocabulary_size", .null),
    ("tokenizer_sha256", .integer(1)),
    ("domains", .null), ("domains", .array([])), ("domains", .array([.integer(1)])), ("domains", .object([:])),
  ])
  func aWrongValueNamesItsKey(key: String, value: JSON) throws {
    var object = try #require(try writeRedPajama().json.object)
    object[key] = value
    try directory.write("m/dataset.json", JSON.object(object).serialized())
    #expect(message { try TokenDataset(directory.path + "/m") }.contains("dataset.json: '\(key)"))
  }

  @Test func wrongDomainsAreNamed() throws {
    let good = try writeRedPajama()
    let changes: [(String, (inout MixtureDescription.Domain) -> Void)] = [
      ("domains.1.name", { $0.name = "arxiv" }), ("domains.1.name", { $0.name = "" }),
      ("domains.1.weight", { $0.weight = 0 }), ("domains.1.weight", { $0.weight = -1 }),
      ("domains.1.train.file", { $0.train.file = "../x.bin" }),
      ("domains.1.train.file", { $0.train.file = "/etc/passwd" }),
      ("domains.1.train.file", { $0.train.file = "a//b" }), ("domains.1.validation.file", { $0.validation?.file = "" }),
      ("tokens", { $0.train.tokens = -1 }),
    ]
    for (key, change) in changes {
      var bad = good
      change(&bad.domains[1])
      try write(bad)
      #expect(message { try TokenDataset(directory.path + "/m") }.contains("'\(key)'"))
    }
  }

  // MARK: HDF5

  /// An HDF5 file with a group for each name ("" is the root), of uint16.
  private func hdf5(_ name: String, _ groups: [(name: String, ids: [Int])]) throws -> String {
    var fixture = HDF5Fixture()
    func tokens(_ ids: [Int]) -> Int {
      let data = fixture.append(ids.flatMap { HDF5Fixture.number($0, 2) })
      return fixture.object([
        HDF5Fixture.dataspace([ids.count]), HDF5Fixture.integer(2),
        HDF5Fixture.contiguous(at: data, count: 2 * ids.count),
      ])
    }
    let attributes: [HDF5Fixture.Message] = [
      HDF5Fixture.attribute("separator", texts: ["append"], isList: false),
      HDF5Fixture.attribute("separator_token", HDF5Fixture.integer(4), [], HDF5Fixture.number(9, 4)),
    ]
    var links: [(name: String, link: HDF5Fixture.Link)] = []
    for group in groups {
      let dataset = tokens(group.ids)
      if group.name.isEmpty {
        links.append(("tokens", .object(dataset)))
      } else {
        links.append((group.name, .object(fixture.group([("tokens", .object(dataset))]))))
      }
    }
    let root = fixture.group(links, attributes: attributes)
    return try directory.write(name, fixture.file(root: root))
  }

  @Test func anHDF5FileIsATokenFile() throws {
    let path = try hdf5("a.h5", [("", Array(0..<50))])
    let file = try TokenFile(path)
    #expect(file.format == .hdf5 && file.count == 50 && file.boundary == DocumentBoundary(token: 9, side: .append))
    #expect(try file[7..<10] == [7, 8, 9])
    #expect(
      error { try file.validate(vocabularySize: 40) }
        == .tokenOutsideVocabulary(path: path, position: 40, token: 40, vocabularySize: 40))
    // Known by its contents, whatever its name.
    #expect(try TokenFile(hdf5("b.tokens", [("", [1, 2])])).format == .hdf5)
    #expect(throws: DatasetError.self) { try TokenFile(directory.write("c.h5", [1, 0, 2, 0])) }
  }

  @Test func groupsAreNamed() throws {
    let path = try hdf5("a.h5", [("arxiv", [1, 2, 3]), ("cc", Array(0..<20))])
    #expect(try TokenFile(path + ":/cc")[3..<5] == [3, 4])
    #expect(try TokenFile(path + ":arxiv").count == 3)
    #expect(try TokenSource.exists(path + ":/cc"))
    #expect(try TokenSource(paths: [path + ":/cc", path + ":/arxiv"], split: .train).tokens == 23)
    #expect(message { try TokenFile(path) }.contains("name one, \(path):/arxiv"))
    #expect(message { try TokenFile(path + ":/wiki") }.contains("no tokens in /wiki; there are some in /arxiv, /cc"))
  }

  /// As the same tokens in .bin files.
  @Test(arguments: Sampling.allCases) func aMixtureInOneFile(sampling: Sampling) throws {
    let ids = [Array(0..<40), Array(1000..<1090)]
    let path = try hdf5("m/train.h5", [("a", ids[0]), ("b", ids[1])])
    try write(
      mixture(
        ["a", "b"].enumerated().map { index, name in
          .init(
            name: name, weight: Double(index + 1),
            train: .init(file: "train.h5", group: name, tokens: ids[index].count, documents: 1), validation: nil)
        }))
    let domains = try #require(try TokenSource.domains(of: directory.path + "/m"))
    #expect(domains.map { $0.files[0].path } == [path + ":/a", path + ":/b"])
    let files = try ["a", "b"].enumerated().map { index, name in
      TokenSource(
        name: name, files: [try TokenFile(directory.tokens(name + ".bin", ids[index]))], weight: Double(index + 1))
    }
    func rows(_ sources: [TokenSource]) throws -> [Int32] {
      let memory = BatchMemory(rows: 50, length: 4, documentStarts: false)
      try BatchLoader(sources: sources, sequenceLength: 4, sampling: sampling, seed: 4).next(rows: 50, memory.rows)
      return (0..<200).map { memory.rows.tokens[$0] }
    }
    #expect(try rows(domains) == rows(files))
  }
}
