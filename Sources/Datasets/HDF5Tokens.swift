import Files
import HDF5

/// Token ids in an HDF5 file: the dataset `tokens` of a group.
///
/// Chunks are unpacked when they are needed, and the last ones kept. Ranges may be read from several threads.
final class HDF5Tokens: Sendable {
  let path: String
  /// "" is the root.
  let group: String
  /// Tokens.
  let count: Int
  /// Attributes of the group, and those of the root that the group does not have itself: `vocabulary_size`, `dtype`,
  /// `tokenizer_sha256`, `separator`, `separator_token`, `weight`.
  let attributes: JSONObject
  private let tokens: HDF5Vector

  static let tokensName = "tokens"
  static let documentsName = "documents"
  private static let types: Set<HDF5Number> = [.uint8, .uint16, .uint32, .uint64, .int16, .int32, .int64]

  /// - Throws: `DatasetError.malformedTokenFile` where there are no tokens, or none that can be read; `FileError`.
  init(path: String, group: String) throws {
    self.path = path
    self.group = group
    let name = HDF5Tokens.name(HDF5Tokens.tokensName, in: group)
    do {
      let file = try HDF5File(MappedFile(path))
      tokens = try HDF5Vector(file, name)
      let inherited = file.groups[""] ?? [:]
      attributes = inherited.reduce(into: file.groups[group] ?? [:]) { all, attribute in
        if all[attribute.key] == nil { all[attribute.key] = attribute.value }
      }
    } catch let error as HDF5Error { throw HDF5Tokens.error(error) }
    guard HDF5Tokens.types.contains(tokens.type) else {
      throw HDF5Tokens.malformed(
        path, "dataset '\(name)' holds \(tokens.type.rawValue), expected uint8 to uint64 or int16 to int64")
    }
    count = tokens.count
  }

  /// The groups that have tokens, in the order of their names; "" is the root.
  static func groups(path: String) throws -> [String] {
    let file: HDF5File
    do { file = try HDF5File(MappedFile(path)) } catch let error as HDF5Error { throw HDF5Tokens.error(error) }
    return file.groups.keys.filter { file.hasDataset(name(tokensName, in: $0)) }
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  private static func name(_ dataset: String, in group: String) -> String {
    group.isEmpty ? dataset : group + "/" + dataset
  }

  /// Copies the ids of `range` into `destination`, which has room for them. An id above Int32.max, or below 0, which no
  /// vocabulary has, comes out negative.
  /// - Throws: `DatasetError` when a chunk is damaged, or the file has become shorter.
  func copy(_ range: Range<Int>, to destination: UnsafeMutablePointer<Int32>) throws(DatasetError) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "tokens that do not exist")
    let (type, isBigEndian) = (tokens.type, tokens.isBigEndian)
    do throws(HDF5Error) {
      try tokens.read(range) { first, bytes in
        bytes.copyTokenIds(type, isBigEndian: isBigEndian, to: destination + (first - range.lowerBound))
      }
    } catch { throw HDF5Tokens.error(error) }
  }

  private static func malformed(_ path: String, _ reason: String) -> DatasetError {
    .malformedTokenFile(path: path, format: .hdf5, reason: reason)
  }

  private static func error(_ error: HDF5Error) -> DatasetError {
    switch error {
    case .file(.unreadable(let path, let reason)): .unreadable(path: path, reason: reason)
    case .file(.changed(let path)): .unreadable(path: path, reason: "it changed while it was being read")
    case .file(let error): .unreadable(path: "HDF5", reason: "\(error)")
    case .malformed(let path, let reason): malformed(path, reason)
    case .unreadableDataset(let path, let dataset, let reason): malformed(path, "dataset '\(dataset)': \(reason)")
    case .missingDataset(let path, let dataset): malformed(path, "it has no dataset '\(dataset)'")
    }
  }
}

extension HDF5File {
  fileprivate func hasDataset(_ name: String) -> Bool { datasets[name] != nil || refusals[name] != nil }
}

extension UnsafeRawBufferPointer {
  /// Widens or narrows all ids in these bytes.
  fileprivate func copyTokenIds(_ type: HDF5Number, isBigEndian: Bool, to destination: UnsafeMutablePointer<Int32>) {
    func copy<Id: FixedWidthInteger & BitwiseCopyable>(_ type: Id.Type) {
      let size = MemoryLayout<Id>.size
      for index in 0..<count / size {
        let stored = loadUnaligned(fromByteOffset: index &* size, as: type)
        let id = isBigEndian ? Id(bigEndian: stored) : Id(littleEndian: stored)
        // A branch-free -1 for what is negative or too large.
        destination[index] = Int32(exactly: id).map { Swift.max($0, -1) } ?? -1
      }
    }
    switch type {
    case .uint8: copy(UInt8.self)
    case .uint16: copy(UInt16.self)
    case .uint32: copy(UInt32.self)
    case .uint64: copy(UInt64.self)
    case .int16: copy(Int16.self)
    case .int32: copy(Int32.self)
    case .int64: copy(Int64.self)
    case .int8, .float16, .bfloat16, .float32, .float64: preconditionFailure("no type of token ids")
    }
  }
}
