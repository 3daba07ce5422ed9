import Files

/// The directory of a zip archive, checked against the file: every member lies in it, no two share bytes or a name.
/// (PKWARE APPNOTE 6.3, sections 4.3 and 4.5.3.) Nothing is ever unpacked under a member's name.
struct ZipArchive {
  struct Member {
    let name: String
    let isDeflated: Bool
    let checksum: UInt32
    let compressedSize: Int
    let size: Int
    /// Of its local header.
    let offset: Int
    /// Where the next member, or the directory, begins.
    var limit: Int
  }

  private static let endSize = 22
  private static let longestComment = 0xFFFF
  private static let localSize = 30

  /// In the order of the file, without directories.
  let members: [Member]
  private let file: MappedFile

  init(_ file: MappedFile) throws(PyTorchFailure) {
    self.file = file
    var members = try file.withBytes { bytes throws(PyTorchFailure) in
      try ZipArchive.members(bytes, ZipArchive.directory(bytes))
    }.sorted { $0.offset < $1.offset }
    for index in members.indices.dropLast() {
      let next = members[index + 1]
      guard ZipArchive.end(members[index]) <= next.offset else {
        throw .damaged("its members \(quoted(members[index].name)) and \(quoted(next.name)) share bytes")
      }
      members[index].limit = next.offset
    }
    self.members = members.filter { !$0.name.hasSuffix("/") }
  }

  /// The bytes of a member in the file, compressed or not.
  func range(of member: Member) throws(PyTorchFailure) -> Range<Int> {
    let header = try local(member)
    let nameSize = Int(header.0.integer(UInt16.self, at: 26))
    let start = member.offset + ZipArchive.localSize + nameSize + Int(header.0.integer(UInt16.self, at: 28))
    guard header.0.integer(UInt32.self, at: 0) == 0x0403_4B50, header.1.elementsEqual(member.name.utf8),
      header.0.integer(UInt16.self, at: 6) & 1 == 0, (header.0.integer(UInt16.self, at: 8) == 8) == member.isDeflated,
      member.compressedSize <= member.limit - start
    else { throw .damaged("its member \(quoted(member.name)) is not what the directory says") }
    return start..<start + member.compressedSize
  }

  /// The fixed part of a local header, and the name after it. They are read and not mapped: they are spread over the
  /// whole file, and a page of each would stay in memory.
  private func local(_ member: Member) throws(PyTorchFailure) -> (ZipFields, ArraySlice<UInt8>) {
    // A directory's entry is longer than the local header with the name: both fit into the file.
    var bytes = [UInt8](repeating: 0, count: ZipArchive.localSize + member.name.utf8.count)
    let result: Result<Void, FileError> = bytes.withUnsafeMutableBytes { buffer in
      do throws(FileError) { return .success(try file.read(at: member.offset, into: buffer)) } catch {
        return .failure(error)
      }
    }
    do { try result.get() } catch { throw .file(error) }
    let fields = ZipFields(bytes: bytes)
    let nameSize = Int(fields.integer(UInt16.self, at: 26))
    return (fields, bytes[ZipArchive.localSize...].prefix(nameSize == member.name.utf8.count ? nameSize : 0))
  }

  private static func end(_ member: Member) -> Int {
    member.offset + localSize + member.name.utf8.count + member.compressedSize
  }

  // MARK: The end of the directory

  private struct Directory {
    let range: Range<Int>
    let count: Int
  }

  private static func directory(_ bytes: UnsafeRawBufferPointer) throws(PyTorchFailure) -> Directory {
    guard let end = endRecord(bytes) else {
      throw .damaged("it is a zip archive without a directory: cut off; copy or download it again")
    }
    let fields = ZipFields(bytes: Array(bytes[end..<end + endSize]))
    var count = Int(fields.integer(UInt16.self, at: 10))
    var countHere = Int(fields.integer(UInt16.self, at: 8))
    var size = UInt64(fields.integer(UInt32.self, at: 12))
    var offset = UInt64(fields.integer(UInt32.self, at: 16))
    var disks = [fields.integer(UInt16.self, at: 4), fields.integer(UInt16.self, at: 6)].map(UInt32.init)
    var limit = end
    if end >= 20, bytes.loadUnaligned(fromByteOffset: end - 20, as: UInt32.self).littleEndian == 0x0706_4B50 {
      let locator = ZipFields(bytes: Array(bytes[end - 20..<end]))
      guard let start = Int(exactly: locator.integer(UInt64.self, at: 8)), start <= end - 20 - 56,
        bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self).littleEndian == 0x0606_4B50
      else { throw .damaged("its zip directory has no end where it says") }
      let fields = ZipFields(bytes: Array(bytes[start..<start + 56]))
      // A directory of so many members could not be in the file; the conversion below cannot fail then.
      count = Int(clamping: fields.integer(UInt64.self, at: 32))
      countHere = Int(clamping: fields.integer(UInt64.self, at: 24))
      size = fields.integer(UInt64.self, at: 40)
      offset = fields.integer(UInt64.self, at: 48)
      disks = [fields.integer(UInt32.self, at: 16), fields.integer(UInt32.self, at: 20)]
      limit = start
    }
    guard disks == [0, 0], count == countHere else { throw .damaged("it is a part of a zip archive of several") }
    guard size <= UInt64(limit), offset <= UInt64(limit) - size else {
      throw .damaged("its zip directory lies outside the file")
    }
    return Directory(range: Int(offset)..<Int(offset + size), count: count)
  }

  /// The last record that the file could end with, whatever its comment.
  private static func endRecord(_ bytes: UnsafeRawBufferPointer) -> Int? {
    let last = bytes.count - endSize
    guard last >= 0 else { return nil }
    for start in stride(from: last, through: max(0, last - longestComment), by: -1)
    where bytes[start] == 0x50
      && bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self).littleEndian == 0x0605_4B50
    {
      let comment = Int(bytes.loadUnaligned(fromByteOffset: start + 20, as: UInt16.self).littleEndian)
      if comment == last - start { return start }
    }
    return nil
  }

  // MARK: The directory

  private static func members(
    _ bytes: UnsafeRawBufferPointer, _ directory: Directory
  ) throws(PyTorchFailure) -> [Member] {
    var members: [Member] = []
    var names: Set<String> = []
    var rest = bytes[directory.range]
    while !rest.isEmpty {
      guard rest.count >= 46 else { throw .damaged("its zip directory is cut off") }
      let fields = ZipFields(bytes: Array(rest.prefix(46)))
      let sizes = [28, 30, 32].map { Int(fields.integer(UInt16.self, at: $0)) }
      let size = 46 + sizes[0] + sizes[1] + sizes[2]
      guard fields.integer(UInt32.self, at: 0) == 0x0201_4B50, size <= rest.count else {
        throw .damaged("its zip directory is damaged")
      }
      let entry = Array(rest.prefix(46 + sizes[0] + sizes[1]))
      rest = rest.dropFirst(size)
      let member = try member(
        fields, name: entry[46..<46 + sizes[0]], extra: Array(entry[(46 + sizes[0])...]),
        limit: directory.range.lowerBound)
      guard names.insert(member.name).inserted else {
        throw .damaged("two of its members are named \(quoted(member.name))")
      }
      guard end(member) <= member.limit else {
        throw .damaged("its member \(quoted(member.name)) lies outside the file")
      }
      members.append(member)
    }
    guard members.count == directory.count else {
      throw .damaged("its zip directory has \(members.count) members, and says \(directory.count)")
    }
    return members
  }

  private static func member(
    _ fields: ZipFields, name bytes: ArraySlice<UInt8>, extra: [UInt8], limit: Int
  ) throws(PyTorchFailure) -> Member {
    let name = String(decoding: bytes, as: UTF8.self)
    guard name.utf8.elementsEqual(bytes), isHarmless(name) else {
      throw .damaged("its member \(quoted(name)) has a name that leads out of the archive")
    }
    func wrong(_ reason: String) -> PyTorchFailure { .damaged("its member \(quoted(name)) \(reason)") }
    guard fields.integer(UInt16.self, at: 8) & 1 == 0 else { throw wrong("is encrypted") }
    let method = fields.integer(UInt16.self, at: 10)
    guard method == 0 || method == 8 else { throw wrong("is compressed in a way (\(method)) that cannot be read") }
    // Numbers of 8 bytes stand in for those of 4 that are all ones, in this order.
    var wide = try wideNumbers(extra, name)[...]
    func number(_ offset: Int) throws(PyTorchFailure) -> Int {
      let narrow = fields.integer(UInt32.self, at: offset)
      guard narrow == .max else { return Int(narrow) }
      // Beyond 2^62 no sum below could be computed, and no file is so large.
      guard let number = wide.popFirst(), number < 1 << 62 else { throw wrong("has no size, or no place") }
      return Int(number)
    }
    let size = try number(24)
    let compressedSize = try number(20)
    let offset = try number(42)
    guard fields.integer(UInt16.self, at: 34) == 0 else { throw wrong("is in another archive") }
    guard method == 8 || size == compressedSize else {
      throw wrong("has two sizes, \(size) and \(compressedSize) bytes")
    }
    // Deflate makes nothing smaller than by a factor of 1032.
    guard method == 0 || size / 1032 <= compressedSize else { throw wrong("cannot have the size that it says") }
    return Member(
      name: name, isDeflated: method == 8, checksum: fields.integer(UInt32.self, at: 16),
      compressedSize: compressedSize, size: size, offset: offset, limit: limit)
  }

  /// The 8-byte numbers of the ZIP64 field (0x0001).
  private static func wideNumbers(_ extra: [UInt8], _ name: String) throws(PyTorchFailure) -> [UInt64] {
    let fields = ZipFields(bytes: extra)
    var at = 0
    while extra.count - at >= 4 {
      let size = Int(fields.integer(UInt16.self, at: at + 2))
      guard size <= extra.count - at - 4 else {
        throw .damaged("its member \(quoted(name)) has a damaged entry in the directory")
      }
      if fields.integer(UInt16.self, at: at) == 1 {
        return (0..<size / 8).map { fields.integer(UInt64.self, at: at + 4 + 8 * $0) }
      }
      at += 4 + size
    }
    return []
  }

  /// A colon or a backslash is nothing special in an archive, and torch.save takes the folder's name from the file's.
  private static func isHarmless(_ name: String) -> Bool {
    var parts = name.split(separator: "/", omittingEmptySubsequences: false)
    if parts.last == "" { parts.removeLast() }
    return !parts.isEmpty && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
      && !name.utf8.contains { $0 < 0x20 }
  }
}

/// Little-endian numbers of a record.
private struct ZipFields {
  let bytes: [UInt8]

  func integer<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at offset: Int) -> T {
    bytes.withUnsafeBytes { T(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: type)) }
  }
}
