import Files
import Foundation
import Testing
import Tokenization

@testable import Datasets

/// Text of several domains becomes one mixture.
struct MixturePreparationTests {
  let directory: TemporaryDirectory
  init() throws { directory = try TemporaryDirectory() }

  /// RedPajama's, as the paper samples it.
  private static let weights: [(name: String, weight: Double)] = [
    ("arxiv", 2.5), ("book", 4.5), ("c4", 15), ("cc", 67), ("github", 4.5), ("stackexchange", 2), ("wikipedia", 4.5),
  ]

  /// 300 documents of 20 to 60 bytes for each domain, a byte a token.
  private func writeText(without missing: Set<String> = []) throws {
    for (index, domain) in Self.weights.enumerated() where !missing.contains(domain.name) {
      let lines = (0..<300).map { line in
        #"{"text":"\#(domain.name) \#(line) \#(String(repeating: "ab cd ", count: 2 + (line * 7 + index) % 6))"}"#
      }
      try directory.write("text/\(domain.name).jsonl", lines.joined(separator: "\n"))
    }
  }

  private func domains() throws -> [DomainInputs] {
    try Self.weights.map {
      try DomainInputs(parsing: "\($0.name)=\($0.weight):\(directory.path)/text/\($0.name)*.jsonl")
    }
  }

  private func options(_ tokens: Int?) -> PreparationOptions {
    var options = PreparationOptions()
    options.maximumTokens = tokens
    options.validationFraction = 0.1
    return options
  }

  private func prepare(
    _ name: String, _ options: PreparationOptions, format: OutputFormat = .bin, skipsMissing: Bool = false
  ) throws -> MixturePreparation {
    try MixturePreparation(
      domains: domains(), tokenizer: byteTokenizer(in: directory), output: directory.path + "/" + name,
      options: options,
      format: format, skipsMissing: skipsMissing)
  }

  private func files(_ name: String) throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    let root = directory.path + "/" + name
    for case let path as String in FileManager.default.enumerator(atPath: root) ?? .init()
    where FileTree.isFile(root + "/" + path) {
      files[path] = try directory.read(name + "/" + path)
    }
    return files
  }

  @Test func tokensAreSharedOutByWeight() throws {
    try writeText()
    let preparation = try prepare("out", options(10_000))
    #expect(preparation.domains.map(\.quota) == [250, 450, 1500, 6700, 450, 200, 450])
    _ = try preparation.run()
    let mixture = try MixtureDescription(path: directory.path + "/out/dataset.json")
    #expect(
      mixture.domains.map { $0.train.tokens + ($0.validation?.tokens ?? 0) } == [250, 450, 1500, 6700, 450, 200, 450])
    #expect(mixture.domains.map(\.weight) == Self.weights.map(\.weight))
    #expect(try directory.names("out") == (["dataset.json"] + Self.weights.map(\.name)).sorted())
    // A domain is a dataset by itself.
    #expect(try TokenFile(directory.path + "/out/cc/train.bin").count == mixture.domains[3].train.tokens)
  }

  @Test func largestRemaindersAreRoundedUp() throws {
    let domains = try [("a", 1.0), ("b", 1.0), ("c", 1.0)].map {
      try DomainInputs(name: $0.0, weight: $0.1, inputs: ["x"])
    }
    #expect(domains.quotas(of: 10).sorted() == [3, 3, 4])
    #expect(domains.quotas(of: 10).reduce(0, +) == 10)
  }

  @Test func aMissingDomainIsAnErrorUnlessAskedFor() throws {
    try writeText(without: ["arxiv", "cc", "github"])
    let text = message { try prepare("out", options(1000)) }
    #expect(text.contains("domain 'arxiv': ") && text.contains("--skip-missing-domains"))
    let preparation = try prepare("out", options(2600), skipsMissing: true)
    #expect(preparation.missing == ["arxiv", "cc", "github"])
    // 4.5 + 15 + 2 + 4.5 are 26.
    #expect(preparation.domains.map(\.quota) == [450, 1500, 200, 450])
    _ = try preparation.run()
    #expect(try MixtureDescription(path: directory.path + "/out/dataset.json").missing == ["arxiv", "cc", "github"])
  }

  @Test func whatWasStoppedGoesOn() throws {
    try writeText()
    _ = try prepare("whole", options(5000)).run()
    let expected = try files("whole")
    #expect(expected.count == 1 + 3 * 7)
    for reports in [1, 3, 5, 7] {
      let name = "stopped\(reports)"
      var left = reports
      let outcome = try prepare(name, options(5000)).run { _, _ in
        left -= 1
        return left == 0 ? .stop : .continue
      }
      guard case .stopped = outcome else {
        Issue.record("not stopped after \(reports) reports")
        continue
      }
      #expect(throws: DatasetError.self) { try TokenDataset(directory.path + "/" + name) }
      // Other settings are refused, these go on.
      #expect(throws: DatasetError.self) { try prepare(name, options(6000)) }
      let rest = try prepare(name, options(5000))
      #expect(rest.isResumed)
      _ = try rest.run()
      #expect(try files(name) == expected)
    }
  }

  @Test func nothingIsReplacedUnasked() throws {
    try writeText()
    _ = try prepare("out", options(5000)).run()
    let before = try files("out")
    #expect(throws: DatasetError.outputExists(path: directory.path + "/out/dataset.json")) {
      try prepare("out", options(4000))
    }
    #expect(try files("out") == before)
    var replacing = options(4000)
    replacing.replacesExisting = true
    _ = try prepare("out", replacing).run()
    _ = try prepare("other", options(4000)).run()
    #expect(try files("out") == files("other"))
    // What prepare did not write stays, and is named.
    try directory.write("out/cc/notes.txt", "mine")
    let all = try files("out")
    #expect(message { try prepare("out", replacing) }.contains("out/cc"))
    #expect(try files("out") == all)
  }

  /// An HDF5 mixture has groups, and directories of their names belong to others.
  @Test func groupsAreNoDirectories() throws {
    try writeText()
    _ = try prepare("out", options(5000), format: .hdf5).run()
    _ = try Preparation(
      inputs: [directory.path + "/text/cc.jsonl"], tokenizer: byteTokenizer(in: directory),
      output: directory.path + "/out/cc", options: options(nil)
    ).run()
    let before = try files("out/cc")
    var replacing = options(4000)
    replacing.replacesExisting = true
    _ = try prepare("out", replacing, format: .hdf5).run()
    #expect(try files("out/cc") == before)
  }

  @Test func aDamagedDomainBeginsAnewIfForced() throws {
    try writeText()
    var left = 3
    _ = try prepare("out", options(5000)).run { _, _ in
      left -= 1
      return left == 0 ? .stop : .continue
    }
    try directory.write("out/domains.partial/c4/prepare.state.json", "{")
    #expect(message { try prepare("out", options(5000)).run() }.contains("--force"))
    var replacing = options(5000)
    replacing.replacesExisting = true
    _ = try prepare("out", replacing).run()
    _ = try prepare("other", options(5000)).run()
    #expect(try files("out") == files("other"))
  }

  @Test func whatCannotBeWrittenIsRefusedBeforeTheWork() throws {
    try writeText()
    let tokens = try DomainInputs(name: "tokens", weight: 1, inputs: [directory.path + "/text/cc.jsonl"])
    let huge = try ["a", "b"].map {
      try DomainInputs(name: $0, weight: 1e308, inputs: [directory.path + "/text/cc.jsonl"])
    }
    for (domains, format) in [([tokens], OutputFormat.hdf5), (huge, .bin)] {
      #expect(throws: DatasetError.self) {
        try MixturePreparation(
          domains: domains, tokenizer: byteTokenizer(in: directory), output: directory.path + "/out",
          options: options(1000), format: format)
      }
    }
    #expect(!FileTree.exists(directory.path + "/out"))
  }

  @Test func hdf5HoldsTheSameTokens() throws {
    try writeText()
    _ = try prepare("bin", options(5000)).run()
    _ = try prepare("hdf5", options(5000), format: .hdf5).run()
    #expect(try directory.names("hdf5") == ["dataset.json", "train.h5", "validation.h5"])
    for (name, _) in Self.weights {
      let raw = try TokenFile(directory.path + "/bin/\(name)/train.bin")
      let packed = try HDF5Tokens(path: directory.path + "/hdf5/train.h5", group: name)
      var ids = [Int32](repeating: 0, count: packed.count)
      try ids.withUnsafeMutableBufferPointer { try packed.copy(0..<packed.count, to: try #require($0.baseAddress)) }
      #expect(ids.count == raw.count)
      #expect(try ids == raw[0..<raw.count])
    }
  }

  @Test(arguments: [
    "cc", "cc=67", "cc=67:", "=1:x", "cc=0:x", "cc=-1:x", "cc=nan:x", "cc=inf:x", "a/b=1:x", "..=1:x", ".=1:x",
  ])
  func domainsAreChecked(text: String) {
    #expect(throws: DatasetError.self) { try DomainInputs(parsing: text) }
  }
}
