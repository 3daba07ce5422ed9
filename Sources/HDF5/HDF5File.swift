import Files

/// What is in an HDF5 file: its groups and datasets, with their attributes. Elements are read when they are asked for.
///
/// The file's structures are read here and not by libhdf5, which is not made for files of unknown origin. What is read
/// are numbers, stored one after the other or in chunks, in groups of the forms that HDF5 writes by default. A dataset
/// of another kind is refused with a reason. No other file is ever opened.
public struct HDF5File: Sendable {
  /// By their paths from the root: "transformer/wte/weight:0". One with several names is here several times.
  public let datasets: [String: HDF5Dataset]
  /// What else has a name among them, and why it cannot be read.
  public let refusals: [String: String]
  /// The attributes of each group, by its path; the root's is "". They are texts, numbers, and lists of either; others
  /// are left out.
  public let groups: [String: JSONObject]
  public let file: MappedFile
  /// The byte from which the datasets' places count.
  private let start: Int

  /// Whether a file begins as HDF5 files do, perhaps behind a block of the user's own.
  public static func isHDF5(_ file: MappedFile) -> Bool { file.withBytes { HDF5Superblock.start(in: $0) } != nil }

  /// - Throws: `HDF5Error.malformed`.
  public init(_ file: MappedFile) throws(HDF5Error) {
    self.file = file
    let start = file.withBytes { HDF5Superblock.start(in: $0) } ?? 0
    self.start = start
    let tree: HDF5Tree
    do throws(HDF5Failure) {
      tree = try file.withBytes { bytes throws(HDF5Failure) in
        try HDF5Tree(HDF5Input(UnsafeRawBufferPointer(rebasing: bytes[start...])))
      }
    } catch { throw error.error(in: file.path) }
    datasets = tree.datasets
    refusals = tree.refusals
    groups = tree.groups
  }

  public var path: String { file.path }

  /// - Throws: `HDF5Error.missingDataset`, or `.unreadableDataset` for what has the name and cannot be read.
  public func dataset(_ name: String) throws(HDF5Error) -> HDF5Dataset {
    if let dataset = datasets[name] { return dataset }
    if let reason = refusals[name] { throw .unreadableDataset(path: path, dataset: name, reason: reason) }
    throw .missingDataset(path: path, dataset: name)
  }

  /// Where the elements of a dataset lie one after the other, in bytes from the file's beginning; nil where they are
  /// in chunks.
  public func contiguousRange(of dataset: HDF5Dataset) -> Range<Int>? {
    guard case .contiguous(let range) = dataset.place else { return nil }
    return start + range.lowerBound..<start + range.upperBound
  }

  /// The chunks of a dataset, whose list is read here; nil where its elements lie one after the other.
  /// - Throws: `HDF5Error`.
  public func chunks(of name: String) throws(HDF5Error) -> HDF5Chunks? {
    try HDF5Chunks(dataset(name), named: name, file, start: start)
  }
}
