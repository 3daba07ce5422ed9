import Files

/// Where the parts of a file of torch.save are: the pickle that says what is stored, and the storages.
struct PyTorchFile {
  /// Where a storage's elements are, compressed or not.
  struct Place {
    let storage: any TensorStorage
    /// What orders storages by where they are in the file.
    let offset: Int
    /// Elements.
    let count: Int
  }

  let format: CheckpointFormat
  let pickle: Pickle
  /// The bytes in the file that say everything but the elements; nil if they are compressed.
  let header: Range<Int>?
  /// Finds one of the pickle's storages, and checks that it is what the pickle says.
  let place: (_ storage: PickleStorage) throws(PyTorchFailure) -> Place
}

extension PyTorchFile {
  /// The form since PyTorch 1.6: a zip archive of `<folder>/data.pkl` and `<folder>/data/<key>` for each storage.
  /// (torch/serialization.py, `_save`; caffe2/serialize/inline_container.cc.)
  init(zip file: MappedFile) throws(PyTorchFailure) {
    let archive = try ZipArchive(file)
    let pickles = archive.members.filter { $0.name.split(separator: "/").count == 2 && $0.name.hasSuffix("/data.pkl") }
    guard let member = pickles.first else {
      throw .damaged("it is a zip archive without a data.pkl, none that torch.save has written")
    }
    guard pickles.count == 1 else {
      throw .damaged(
        "it has \(pickles.count) pickles, \(pickles.prefix(2).map { quoted($0.name) }.joined(separator: " and "))"
      )
    }
    let folder = member.name.dropLast("data.pkl".count)
    var members: [String: ZipArchive.Member] = [:]
    for member in archive.members where member.name.hasPrefix(folder) {
      members[String(member.name.dropFirst(folder.count))] = member
    }
    try PyTorchFile.checkByteOrder(members["byteorder"], archive, file)
    format = .pyTorch
    (pickle, header) = try PyTorchFile.pickle(member, archive, file)
    // The sizes' sum cannot overflow: the compressed bytes are those of the file, and at most 1032 times as many come out.
    let unpacked = UnpackedFile(archive.members.filter(\.isDeflated).map { ($0.name, $0.size) })
    place = { storage throws(PyTorchFailure) in
      guard let member = members["data/\(storage.key)"] else {
        throw .damaged("its storage \(quoted(storage.key)) is missing")
      }
      // Only the legacy form has parts; PyTorch does not look for them here.
      guard storage.view == nil else {
        throw .damaged("its storage \(quoted(storage.key)) is said to be a part of another")
      }
      let (size, overflow) = storage.count.multipliedReportingOverflow(by: storage.elementSize)
      guard !overflow, member.size == size else {
        throw .damaged(
          "its storage \(quoted(storage.key)) has \(member.size) bytes, expected "
            + "\(storage.count) elements of \(storage.elementSize) bytes")
      }
      let region = FileRegion(file: file, range: try archive.range(of: member))
      let bytes: any TensorStorage =
        member.isDeflated
        ? DeflatedStorage(
          DeflatedBytes(region: region, name: member.name, size: size, checksum: member.checksum), in: unpacked)
        : region
      return Place(storage: bytes, offset: member.offset, count: storage.count)
    }
  }

  /// A pickle is some hundred bytes for a tensor; none is as large as this.
  private static let largestPickle = 1 << 26
  /// Pickles of tensors get ten to twenty times smaller.
  private static let mostCompressed = 100

  private static func pickle(
    _ member: ZipArchive.Member, _ archive: ZipArchive, _ file: MappedFile
  ) throws(PyTorchFailure) -> (Pickle, Range<Int>?) {
    let range = try archive.range(of: member)
    guard member.size <= largestPickle, member.size / mostCompressed <= member.compressedSize else {
      throw .damaged("its pickle says that it has \(member.size) bytes, more than a checkpoint needs")
    }
    let bytes = DeflatedBytes(
      region: FileRegion(file: file, range: range), name: member.name, size: member.size, checksum: member.checksum)
    if member.isDeflated {
      let unpacked = try bytes.unpacked()
      let result: Result<Pickle, PyTorchFailure> = unpacked.withUnsafeBytes { bytes in
        do throws(PyTorchFailure) { return .success(try PickleMachine.run(bytes)) } catch { return .failure(error) }
      }
      return (try result.get(), nil)
    }
    return try bytes.region.withBytes { stored throws(PyTorchFailure) in
      guard bytes.matches(stored) else { throw .damaged("its pickle is damaged: its CRC-32 is another one") }
      return (try PickleMachine.run(stored), range)
    }
  }

  private static func checkByteOrder(
    _ member: ZipArchive.Member?, _ archive: ZipArchive, _ file: MappedFile
  ) throws(PyTorchFailure) {
    guard let member else { return }
    let region = FileRegion(file: file, range: try archive.range(of: member))
    let order: [UInt8]
    // "little" and "big" are all there is; more is not unpacked.
    if member.size > 16 {
      order = []
    } else if member.isDeflated {
      order = try DeflatedBytes(
        region: region, name: member.name, size: member.size, checksum: member.checksum
      ).unpacked()
    } else {
      order = region.withBytes { Array($0) }
    }
    guard order.elementsEqual("little".utf8) else {
      throw .damaged("its numbers are big-endian; save it on a little-endian machine")
    }
  }
}
