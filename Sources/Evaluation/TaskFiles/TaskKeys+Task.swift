import Files
import Templates
import YAML

/// What a task's keys say.
extension TaskKeys {
  func outputType() throws(EvaluationError) -> OutputType {
    let supported = OutputType.allCases.map(\.rawValue).joined(separator: ", ")
    guard let text = try string("output_type") else {
      throw .taskFile(
        location: location,
        reason: "'output_type' is missing, which means generate_until; only \(supported) are scored here")
    }
    guard let type = OutputType(rawValue: text) else {
      throw .taskFile(
        location: node("output_type")?.location ?? location,
        reason: "'output_type' is \(text); only \(supported) are scored here")
    }
    return type
  }

  /// `fewshot_config.sampler`
  func sampler() throws(EvaluationError) -> ExampleSource.Choice {
    switch try string("sampler") {
    case nil, "default": return .random
    case "first_n": return .first
    case let sampler?:
      throw .taskFile(
        location: node("sampler")?.location ?? location,
        reason: "'sampler' is \(sampler), expected default or first_n")
    }
  }

  /// `fewshot_config.samples`: rows that the YAML has itself.
  func samples() throws(EvaluationError) -> [Row]? {
    guard let node = node("samples") else { return nil }
    guard node.tag == nil, case .sequence(let elements) = node.value else {
      throw wrong("samples", node, "a list of rows (Python is not run)")
    }
    var rows: [Row] = []
    for element in elements {
      guard case .dictionary(let columns) = try element.value() else {
        throw wrong("samples", element, "a row's columns")
      }
      let (path, line) = element.place
      rows.append(Row(columns: columns, path: path, line: line))
    }
    return rows
  }

  /// `metadata.version`
  func version() throws(EvaluationError) -> JSON {
    guard let node = node("metadata"), case .dictionary(let members) = try node.value(),
      let version = members["version"]
    else { return .string("Yaml") }
    return JSON(version)
  }

  /// `metric_list`, in the order in which documents have values; those of the output type where it is absent.
  func metrics(_ type: OutputType, _ results: TaskFunction?) throws(EvaluationError) -> [Metric] {
    guard let node = node("metric_list"), let sections = try sections("metric_list") else {
      return Metric.standard(type)
    }
    guard !sections.isEmpty else {
      throw .taskFile(
        location: node.location,
        reason: "'metric_list' is empty, so nothing would be measured; without the key it is "
          + Metric.standard(type).map(\.name).joined(separator: ", "))
    }
    var order = Metric.available(type).map(\.name)
    if case .results(let names, _)? = results?.body { order = names }
    var metrics: [Metric] = []
    for section in sections {
      guard let name = try section.string("metric") else { throw section.missing("metric") }
      guard order.contains(name) else {
        throw .taskFile(
          location: section.node("metric")?.location ?? location,
          reason: "metric '\(name)' is not computed here; a task of this kind has \(order.joined(separator: ", "))")
      }
      let known = OutputType.allCases.flatMap { Metric.available($0) }.first { $0.name == name }
      let direction = try section.bool("higher_is_better") ?? known?.higherIsBetter
      guard let aggregation = try section.aggregation() ?? known?.aggregation, let direction else {
        throw section.missing("aggregation and higher_is_better")
      }
      if metrics.contains(where: { $0.name == name }) { continue }
      metrics.append(Metric(name, aggregation, higherIsBetter: direction))
    }
    return order.compactMap { name in metrics.first { $0.name == name } }
  }

  private func aggregation() throws(EvaluationError) -> Aggregation? {
    guard let node = node("aggregation") else { return nil }
    guard node.tag == nil, case .scalar(let name, _) = node.value, let aggregation = Aggregation(rawValue: name) else {
      throw wrong("aggregation", node, "mean, perplexity, weighted_perplexity or bits_per_byte")
    }
    return aggregation
  }

  /// What the datasets library calls a dataset that is files on this machine.
  private static let fileDatasets: Set = ["arrow", "csv", "json", "pandas", "parquet", "text"]

  /// `dataset_kwargs.data_files`, by split: paths relative to the YAML. Other names than those of files on this machine
  /// are the hub's, whose rows are in the data's directory.
  /// - Throws: for a file on this machine that is not there.
  func dataFiles(folder: String, dataset: String?) throws(EvaluationError) -> [String: [String]] {
    guard let node = try section("dataset_kwargs").node("data_files") else { return [:] }
    var names: [(split: String, value: PythonValue)] = []
    switch try node.value() {
    case .dictionary(let members): names = members.map { ($0.key.text, $0.value) }
    case let value: names = [("train", value)]
    }
    var files: [String: [String]] = [:]
    for (split, value) in names {
      guard let list = value.string.map({ [$0] }) ?? value.elements?.compactMap(\.string), !list.isEmpty else {
        throw wrong("data_files", node, "names of files by split")
      }
      let paths = list.map { $0.hasPrefix("/") ? $0 : "\(folder)/\($0)" }
      let missing = zip(list, paths).filter { !FileTree.isFile($0.1) }
      if missing.isEmpty { files[split] = paths }
      let isHere = dataset.map(Self.fileDatasets.contains) ?? true
      for (name, path) in missing where name.hasPrefix("/") || isHere && !name.contains("://") {
        throw .taskFile(
          location: node.location,
          reason: "'data_files': \(path) is no file; names are relative to the YAML, and without the key rows are read "
            + "from --data")
      }
    }
    return files
  }

  // MARK: Dump

  /// All keys as the harness dumps them, with the defaults that it writes out.
  func dump(_ fewShot: TaskKeys) throws(EvaluationError) -> JSONObject {
    var object = try values()
    for (key, value) in Self.defaults where object[key] == nil { object[key] = value }
    var examples: JSONObject = [
      "sampler": .string("default"), "split": object["fewshot_split"] ?? .null,
      "process_docs": object["process_docs"] ?? .null, "fewshot_indices": .null, "samples": .null,
    ]
    for key in ["doc_to_text", "doc_to_choice", "doc_to_target", "gen_prefix", "fewshot_delimiter", "target_delimiter"]
    {
      examples[key] = object[key] ?? .null
    }
    for (key, value) in try fewShot.values() { examples[key] = value }
    object["fewshot_config"] = .object(examples)
    return object
  }

  private static let defaults: [(String, JSON)] = [
    ("unsafe_code", .bool(false)), ("description", .string("")), ("target_delimiter", .string(" ")),
    ("fewshot_delimiter", .string("\n\n")), ("repeats", .integer(1)), ("should_decontaminate", .bool(false)),
  ]

  private func values() throws(EvaluationError) -> JSONObject {
    var object = JSONObject()
    for entry in entries { object[entry.key] = JSON(try entry.value.value()) }
    return object
  }
}

extension YAMLNode {
  /// The file and the line of the location.
  fileprivate var place: (path: String, line: Int) {
    guard let colon = location.lastIndex(of: ":"), let line = Int(location[location.index(after: colon)...]) else {
      return (location, 0)
    }
    return (String(location[..<colon]), line)
  }
}
