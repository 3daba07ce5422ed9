import Files

/// The sample rows of one task, without their texts: what each document was, and what it scored.
struct RecordedSamples {
  /// A filter's view of a document.
  struct Place: Hashable {
    var filter: String
    var document: Int
  }

  struct Sample {
    /// The document's and the answer's hash; nil where the file has none.
    var identity: String?
    /// The hash of the first request's context.
    var prompt: String?
    /// By metric; values that are neither numbers nor pairs of a log-likelihood and a count are left out.
    var items: [String: MetricItem]
  }

  private(set) var samples: [Place: Sample] = [:]

  /// Reads a file of any length line by line.
  /// - Throws: `EvaluationError.row` naming the line; `FileError`.
  init(_ path: String) throws {
    try MappedFile(path).withBytes { bytes in
      var line = 0
      var rest = bytes[...]
      while !rest.isEmpty {
        line += 1
        let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
        let content = UnsafeRawBufferPointer(rebasing: rest[..<end])
        rest = rest[min(end + 1, rest.endIndex)...]
        if content.allSatisfy({ $0 == 0x20 || (0x09...0x0D).contains($0) }) { continue }
        do { try add(JSON(parsing: content)) } catch {
          throw EvaluationError.row(path: path, line: line, reason: "not a sample: \(error)")
        }
      }
    }
  }

  private struct Malformed: Error, CustomStringConvertible { var description: String }

  private mutating func add(_ json: JSON) throws {
    guard let object = json.object else { throw Malformed(description: "expected a JSON object") }
    guard let document = object["doc_id"]?.integer else {
      throw Malformed(description: "key 'doc_id': expected a whole number")
    }
    guard let metrics = object["metrics"]?.array?.compactMap(\.string) else {
      throw Malformed(description: "key 'metrics': expected a list of names")
    }
    let place = Place(filter: object["filter"]?.string ?? "none", document: document)
    guard samples[place] == nil else { throw Malformed(description: "document \(document) was there before") }
    var items: [String: MetricItem] = [:]
    for metric in metrics { items[metric] = object[metric].flatMap(Self.item) }
    let hashes = [object["doc_hash"]?.string, object["target_hash"]?.string].compactMap { $0 }
    samples[place] = Sample(
      identity: hashes.count == 2 ? hashes.joined() : nil, prompt: object["prompt_hash"]?.string, items: items)
  }

  private static func item(_ value: JSON) -> MetricItem? {
    if let number = value.double ?? value.bool.map({ $0 ? 1 : 0 }) { return .float(number) }
    guard let pair = value.array, pair.count == 2, let sum = pair[0].double, let count = pair[1].integer else {
      return nil
    }
    return .counted(logLikelihood: sum, count: count)
  }

  /// How the metric's items become the value that was reported; nil if no known way leads there, so that nothing is
  /// said about metrics such as correlations.
  func aggregation(of metric: String, filter: String, reported: Double) -> Aggregation? {
    let items = samples.filter { $0.key.filter == filter }.sorted { $0.key.document < $1.key.document }
      .compactMap { $0.value.items[metric] }
    guard let first = items.first else { return nil }
    var candidates: [Aggregation] = [.mean, .perplexity]
    if case .counted = first { candidates = [.weightedPerplexity, .bitsPerByte] }
    return candidates.first { candidate in
      let value = Statistics.aggregate(items, candidate)
      return (value.isNaN && reported.isNaN) || abs(value - reported) <= 1e-6 * max(1, abs(reported))
    }
  }
}
