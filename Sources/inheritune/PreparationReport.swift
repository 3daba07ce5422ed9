import Datasets
import Files

/// What `prepare` says at its end.
struct PreparationReport {
  let output: String
  /// Names of the domains of a mixture.
  let domains: [String]?
  let datasets: [DatasetDescription]
  let seconds: Double

  var text: String {
    var rows: [[String]] = []
    for (index, dataset) in datasets.enumerated() {
      let domain = domains?[index]
      let splits =
        [(domain ?? "train", dataset.train)]
        + [(domain == nil ? "validation" : "", dataset.validation)]
        .compactMap { label, split in split.map { (label, $0) } }
      for (label, split) in splits {
        rows.append([label, "\(Format.count(split.tokens)) tokens, \(output)/\(split.file)"])
      }
    }
    let left = [
      (sum(\.emptyDocuments), "empty"), (sum { $0.duplicateDocuments ?? 0 }, "repeated"),
      (sum(\.badLines), "unreadable"),
    ].filter { $0.0 > 0 }.map { "\(Format.count($0.0)) \($0.1)" }.joined(separator: ", ")
    rows.append(["documents", Format.count(sum(\.documents)) + (left.isEmpty ? "" : " (left out: \(left))")])
    let perToken = Double(sum(\.textBytes)) / Double(max(sum(\.tokens), 1))
    let rate = Format.bytes(Int(Double(sum(\.textBytes)) / max(seconds, 1e-3)))
    rows.append(["text", "\(Format.bytes(sum(\.textBytes))), \(perToken.formatted(2)) bytes a token, \(rate)/s"])
    return Format.table(rows, leading: 2)
  }

  var json: JSON {
    var object: JSONObject = [
      "output": .string(output), "tokens": .integer(Int64(sum(\.tokens))),
      "train_tokens": .integer(Int64(sum(\.train.tokens))),
      "validation_tokens": .integer(Int64(sum { $0.validation?.tokens ?? 0 })),
      "documents": .integer(Int64(sum(\.documents))), "bad_lines": .integer(Int64(sum(\.badLines))),
      "text_bytes": .integer(Int64(sum(\.textBytes))), "seconds": .number(seconds),
    ]
    if let domains {
      object["domains"] = .array(
        zip(domains, datasets).map { name, dataset in
          .object([
            "name": .string(name), "train_tokens": .integer(Int64(dataset.train.tokens)),
            "validation_tokens": .integer(Int64(dataset.validation?.tokens ?? 0)),
          ])
        })
    }
    return .object(object)
  }

  private func sum(_ value: (DatasetDescription) -> Int) -> Int { datasets.reduce(0) { $0 + value($1) } }
}
