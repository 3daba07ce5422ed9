/// The documents that two evaluations of a task share.
struct SamplePairing {
  private let a: RecordedSamples
  private let b: RecordedSamples
  /// In order of document.
  private let places: [RecordedSamples.Place]
  /// Places with the same number in both whose documents are not the same.
  let otherDocumentCount: Int
  /// Paired documents whose first context differs.
  let otherPromptCount: Int

  var count: Int { places.count }

  /// Documents are the same if number and hashes are, or the number where a file has no hashes.
  init(_ a: RecordedSamples, _ b: RecordedSamples) {
    var places: [RecordedSamples.Place] = []
    var otherDocuments = 0
    var otherPrompts = 0
    for (place, sample) in a.samples {
      guard let other = b.samples[place] else { continue }
      if let left = sample.identity, let right = other.identity, left != right {
        otherDocuments += 1
        continue
      }
      if let left = sample.prompt, let right = other.prompt, left != right { otherPrompts += 1 }
      places.append(place)
    }
    self.a = a
    self.b = b
    self.places = places.sorted { $0.document < $1.document }
    otherDocumentCount = otherDocuments
    otherPromptCount = otherPrompts
  }

  /// The paired difference of each metric that both have, and whose reported values follow from the samples.
  func differences(
    _ reportedA: RecordedResults.Entry, _ reportedB: RecordedResults.Entry
  ) -> [PairedMetric: PairedDifference] {
    var differences: [PairedMetric: PairedDifference] = [:]
    for value in reportedA.values {
      let key = PairedMetric(value)
      guard let other = reportedB[value],
        let aggregation = a.aggregation(of: key.metric, filter: key.filter, reported: value.value),
        aggregation == b.aggregation(of: key.metric, filter: key.filter, reported: other.value)
      else { continue }
      let pairs = places.filter { $0.filter == key.filter }.compactMap { place in
        a.samples[place]?.items[key.metric].flatMap { first in b.samples[place]?.items[key.metric].map { (first, $0) } }
      }
      if !pairs.isEmpty { differences[key] = PairedDifference(pairs.map(\.0), pairs.map(\.1), aggregation) }
    }
    return differences
  }
}
