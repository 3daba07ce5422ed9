import Templates

/// Collects what makes two evaluations hard to compare. Tasks with the same to say share a sentence.
struct ComparisonNotes {
  private let a: RecordedResults
  private let b: RecordedResults
  private var remarks: [(text: String, tasks: [String])] = []

  init(_ a: RecordedResults, _ b: RecordedResults) {
    self.a = a
    self.b = b
    for (own, other, name) in [(a, b, "A"), (b, a, "B")] {
      let only = own.entries.keys.filter { other.entries[$0] == nil }
      for task in only.sorted(by: PythonString.precedes) { add("only in \(name)", task: task) }
    }
  }

  var sentences: [String] {
    remarks.map { "\($0.tasks.shortList): \($0.text)" }
  }

  /// The files with a task's samples, if both have one.
  mutating func samplesOfBoth(_ task: String) -> (a: String, b: String)? {
    switch (a.samplesPath(of: task), b.samplesPath(of: task)) {
    case (let first?, let second?): return (first, second)
    case (nil, nil): add("no samples (--log-samples), so not paired", task: task)
    case (nil, _): add("no samples in A (--log-samples), so not paired", task: task)
    case (_, nil): add("no samples in B (--log-samples), so not paired", task: task)
    }
    return nil
  }

  mutating func add(_ pairing: SamplePairing, _ differences: [PairedMetric: PairedDifference], task: String) {
    if pairing.count == 0 {
      add("no document in common, so not paired", task: task)
    } else {
      for value in a.entries[task]?.values ?? [] where b.entries[task]?[value] != nil {
        if differences[PairedMetric(value)] == nil {
          add("\(value.metric) does not follow from the samples, so it is not paired", task: task)
        }
      }
    }
    if pairing.otherDocumentCount > 0 {
      add("\(pairing.otherDocumentCount) documents are not the same in A and B", task: task)
    }
    if pairing.otherPromptCount > 0 {
      add("\(pairing.otherPromptCount) of \(pairing.count) prompts differ", task: task)
    }
  }

  mutating func add(_ first: RecordedResults.Entry, _ second: RecordedResults.Entry, task: String) {
    func differ<Value: Equatable>(_ first: Value?, _ second: Value?, _ text: (Value, Value) -> String) -> String? {
      guard let first, let second, first != second else { return nil }
      return text(first, second)
    }
    let texts = [
      differ(first.version, second.version) { "version \($0) of the task in A, \($1) in B" },
      differ(first.fewShot, second.fewShot) { "\($0)-shot in A, \($1)-shot in B" },
      differ(first.documentCount, second.documentCount) { "\($0) documents in A, \($1) in B" },
    ]
    for text in texts { if let text { add(text, task: task) } }
    for (entry, name) in [(first, "A"), (second, "B")] {
      for metric in entry.unreadable { add("\(metric) is not a number in \(name), so it is left out", task: task) }
    }
  }

  private mutating func add(_ text: String, task: String) {
    guard let place = remarks.firstIndex(where: { $0.text == text }) else { return remarks.append((text, [task])) }
    remarks[place].tasks.append(task)
  }
}
