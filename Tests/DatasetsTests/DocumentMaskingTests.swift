import Testing

@testable import Datasets

struct DocumentMaskingTests {
  let directory: TemporaryDirectory
  init() throws { directory = try TemporaryDirectory() }

  // Two separators together are an empty document.
  private static let ids = [5, 6, 0, 7, 0, 0, 8, 9, 0]

  /// The one row of 8 inputs that there is.
  private func row(
    _ masking: DocumentMasking, _ boundary: DocumentBoundary?
  ) throws -> (targets: [Int32], starts: [Int32]?, counted: Int) {
    let source = TokenSource(name: "s", files: [try TokenFile(directory.tokens("a.bin", Self.ids))]).assuming(boundary)
    let batches = try BatchPrefetcher(
      BatchLoader(sources: [source], sequenceLength: 8, sampling: .epochs, seed: 1, masking: masking), globalBatch: 1)
    let batch = try batches.next()
    #expect((0..<8).map { Int(batch.rows.tokens[$0]) } == Array(Self.ids.dropLast()))
    return (
      (0..<8).map { batch.rows.targets[$0] }, batch.rows.documentStarts.map { starts in (0..<8).map { starts[$0] } },
      batch.targetCount
    )
  }

  @Test func aSeparatorAfterEachDocument() throws {
    let boundary = DocumentBoundary(token: 0, side: .append)
    // The separator is predicted, the token after it is not.
    let masked: [Int32] = [6, 0, -1, 0, -1, -1, 9, 0]
    let loss = try row(.loss, boundary)
    #expect(loss.targets == masked && loss.starts == nil && loss.counted == 5)
    let attention = try row(.attention, boundary)
    #expect(attention.targets == masked && attention.counted == 5)
    #expect(attention.starts == [0, 0, 0, 3, 3, 5, 6, 6])
  }

  @Test func aSeparatorBeforeEachDocument() throws {
    let boundary = DocumentBoundary(token: 0, side: .prepend)
    let masked: [Int32] = [6, -1, 7, -1, -1, 8, 9, -1]
    #expect(try row(.loss, boundary).targets == masked)
    let attention = try row(.attention, boundary)
    #expect(attention.targets == masked && attention.counted == 4)
    #expect(attention.starts == [0, 0, 2, 2, 4, 5, 5, 5])
  }

  @Test func withoutMaskingNothingChanges() throws {
    let plain = try row(.none, DocumentBoundary(token: 0, side: .append))
    #expect(plain.targets == [6, 0, 7, 0, 0, 8, 9, 0] && plain.starts == nil && plain.counted == 8)
  }

  @Test func aFileMustSayWhatSeparates() throws {
    let path = directory.path + "/a.bin"
    for masking in [DocumentMasking.loss, .attention] {
      #expect(error { try row(masking, nil) } == .unknownBoundary(path: path))
      let source = TokenSource(name: "s", files: [try TokenFile(path)])
      #expect(
        error { try ValidationBatches(source: source, sequenceLength: 4, rows: 1, masking: masking) }
          == .unknownBoundary(path: path))
    }
    #expect(DatasetError.unknownBoundary(path: path).description.contains("data.document_separator"))
    #expect(try row(.none, nil).counted == 8)
  }

  /// What a file says of itself counts more than what is assumed.
  @Test func aFilesOwnSeparatorComesFirst() throws {
    try directory.tokens("d/train.bin", 0..<9)
    var description = DatasetDescriptionTests.sample
    (description.train.tokens, description.validation) = (9, nil)
    (description.separator, description.separatorToken) = (.prepend, 3)
    try directory.write("d/dataset.json", description.json.serialized())
    let source = try TokenSource(paths: [directory.path + "/d"], split: .train)
    let other = DocumentBoundary(token: 7, side: .append)
    #expect(source.assuming(other).files[0].boundary == DocumentBoundary(token: 3, side: .prepend))
  }

  /// Rows that only fill up the last batch count nothing, and are one document each.
  @Test func validationBatchesAreMaskedToo() throws {
    let source = TokenSource(name: "s", files: [try TokenFile(directory.tokens("a.bin", Self.ids))]).assuming(
      DocumentBoundary(token: 0, side: .append))
    let batches = try ValidationBatches(source: source, sequenceLength: 8, rows: 2, masking: .attention)
    let memory = BatchMemory(rows: 2, length: 8, documentStarts: true)
    #expect(try batches.fill(0, memory.rows) == 5)
    let starts = try #require(memory.rows.documentStarts)
    #expect((0..<16).map { starts[$0] } == [0, 0, 0, 3, 3, 5, 6, 6] + [Int32](repeating: 0, count: 8))
    #expect((8..<16).allSatisfy { memory.rows.targets[$0] == -1 })
  }
}
