import Files

/// Reads what a `dataset.json` says, key by key.
struct DescriptionReader {
  let path: String

  /// The object in the file, of version 1.
  func root(format: String) throws -> JSON {
    let root: JSON
    do { root = try JSON(contentsOf: path) } catch let error as JSONError {
      throw DatasetError.malformedDescription(path: path, reason: "\(error)")
    }
    guard root.object != nil, root["format"]?.string == format else { throw wrong("format", expected: "\"\(format)\"") }
    guard root["version"]?.integer == 1 else { throw wrong("version", expected: "1") }
    return root
  }

  func wrong(_ key: String, expected: String) -> DatasetError {
    .malformedDescription(path: path, reason: "'\(key)': expected \(expected)")
  }

  func string(_ json: JSON, _ key: String) throws(DatasetError) -> String {
    guard let value = json[key]?.string else { throw wrong(key, expected: "a string") }
    return value
  }

  func count(_ json: JSON, _ key: String) throws(DatasetError) -> Int {
    guard let value = json[key]?.integer, DatasetDescription.counts.contains(value) else {
      throw wrong(key, expected: "a whole number, 0 or more")
    }
    return value
  }

  func choice<Choice: RawRepresentable<String>>(_ json: JSON, _ key: String) throws(DatasetError) -> Choice {
    guard let value = json[key]?.string, let choice = Choice(rawValue: value) else {
      throw wrong(key, expected: "a known name")
    }
    return choice
  }

  func isFileName(_ name: some StringProtocol) -> Bool {
    !name.isEmpty && name != "." && name != ".." && !name.utf8.contains(0x2F) && !name.utf8.contains(0)
  }
}
