/// Lists of chunks in arrays: fixed ones of datasets that cannot grow, extensible ones of those that grow along one
/// axis. (HDF5 file format specification 3.0, VII.C and VII.D.)
extension HDF5ChunkListReader {
  /// What the elements of an array are.
  private struct Elements {
    /// Chunks with filters have a size and a mask.
    let isFiltered: Bool
    let size: Int
    /// Of the chunk's size.
    private let sizeWidth: Int

    init(client: UInt8, size: Int, _ head: HDF5Cursor) throws(HDF5Failure) {
      isFiltered = client == 1
      self.size = size
      sizeWidth = size - 12
      guard client <= 1, isFiltered ? (1...8).contains(sizeWidth) : size == 8 else {
        throw head.damaged("elements of kind \(client) and \(size) bytes")
      }
    }

    func next(
      _ elements: inout HDF5Cursor, whole: Int
    ) throws(HDF5Failure) -> (address: Int, size: Int, mask: UInt32)? {
      let address = try elements.address()
      let size = isFiltered ? try elements.size(bytes: sizeWidth) : whole
      let mask = isFiltered ? try elements.number(UInt32.self) : 0
      return address.map { ($0, size, mask) }
    }
  }

  private mutating func add(
    _ elements: inout HDF5Cursor, _ kind: Elements, from first: Int, count: Int, _ places: HDF5ChunkPlaces
  ) throws(HDF5Failure) {
    for index in first..<first + count {
      guard let chunk = try kind.next(&elements, whole: layout.byteCount),
        let number = places.number(at: index)
      else { continue }
      try add(number, address: chunk.address, size: chunk.size, mask: chunk.mask)
    }
  }

  /// The beginning of each structure behind its header: signature, version, kind, and where the header is.
  private func block(
    _ name: StaticString, _ signature: StaticString, at address: Int, count: Int, header: Int
  ) throws(HDF5Failure) -> HDF5Cursor {
    var block = try input.checkedStructure(name, at: address, count: count)
    try block.signature(signature)
    try block.version(0)
    try block.skip(1)
    guard try block.address() == header else { throw block.damaged("it belongs to another header") }
    return block
  }

  // MARK: Fixed array

  mutating func readFixedArray(_ address: Int) throws(HDF5Failure) {
    try visit(address)
    var head = try input.checkedStructure("an array of chunks", at: address, count: 28)
    try head.signature("FAHD")
    try head.version(0)
    let client = try head.byte()
    let kind = try Elements(client: client, size: Int(try head.byte()), head)
    let pageBits = Int(try head.byte())
    let count = try head.size()
    guard pageBits < 32, let places = HDF5ChunkPlaces(layout, grid: grid, growing: nil), count == places.count else {
      throw head.damaged("\(count) elements, expected one for each chunk that there may be")
    }
    guard let start = try head.address() else { return }
    try visit(start)
    let name: StaticString = "an array's block of chunks"
    let pageSize = 1 << pageBits
    let prefix = 14
    guard count > pageSize else {
      guard count <= input.bytes.count else { throw head.damaged("\(count) elements, more than the file has") }
      var elements = try block(name, "FADB", at: start, count: prefix + count * kind.size + 4, header: address)
      return try add(&elements, kind, from: 0, count: count, places)
    }
    // Pages with a checksum each, of which a map says whether they were written.
    let pages = count / pageSize + (count % pageSize > 0 ? 1 : 0)
    let mapSize = pages / 8 + (pages % 8 > 0 ? 1 : 0)
    guard mapSize <= input.bytes.count else { throw head.damaged("\(count) elements, more than the file has") }
    var map = try block(name, "FADB", at: start, count: prefix + mapSize + 4, header: address)
    let isWritten = try map.take(mapSize)
    for page in 0..<pages where isWritten[page / 8] & 0x80 >> UInt8(page % 8) != 0 {
      let (offset, overflow) = page.multipliedReportingOverflow(by: pageSize * kind.size + 4)
      guard !overflow, offset <= input.bytes.count else { throw head.damaged("pages outside the file") }
      let part = min(pageSize, count - page * pageSize)
      var elements = try input.checkedStructure(
        name, at: start + prefix + mapSize + 4 + offset, count: part * kind.size + 4)
      try add(&elements, kind, from: page * pageSize, count: part, places)
    }
  }

  // MARK: Extensible array

  /// The numbers in the header of an extensible array. Its elements are in blocks of growing sizes: in the index block,
  /// in data blocks that this lists, and in data blocks that secondary blocks list.
  private struct ExtensibleArray {
    let header: Int
    let kind: Elements
    let places: HDF5ChunkPlaces
    /// The width of the places of blocks.
    let offsetWidth: Int
    let pageSize: Int
    let smallest: Int
    let levels: Int
    /// Data blocks of the first levels, and the levels, that the index block lists itself.
    let direct: (blocks: Int, levels: Int)
    let indexElements: Int

    /// Data blocks at a level, and the elements of each.
    func level(_ level: Int) -> (blocks: Int, elements: Int) {
      (1 << (level / 2), smallest << ((level + 1) / 2))
    }
  }

  mutating func readExtensibleArray(_ address: Int) throws(HDF5Failure) {
    try visit(address)
    guard let growing = layout.limits.firstIndex(of: nil),
      let places = HDF5ChunkPlaces(layout, grid: grid, growing: growing)
    else { throw .damaged("a growing array of chunks in a dataset that does not grow along one axis") }
    var head = try input.checkedStructure("an array of chunks", at: address, count: 72)
    try head.signature("EAHD")
    try head.version(0)
    let client = try head.byte()
    let kind = try Elements(client: client, size: Int(try head.byte()), head)
    let bits = Int(try head.byte())
    let indexElements = Int(try head.byte())
    let smallest = Int(try head.byte())
    let fewest = Int(try head.byte())
    let pageBits = Int(try head.byte())
    func isPowerOfTwo(_ number: Int) -> Bool { number > 0 && number & (number - 1) == 0 }
    guard bits <= 48, isPowerOfTwo(smallest), isPowerOfTwo(fewest), pageBits < 32,
      smallest.trailingZeroBitCount <= bits
    else { throw head.damaged("an array of \(bits) bits in blocks of \(smallest) elements") }
    let levels = 1 + bits - smallest.trailingZeroBitCount
    let directLevels = 2 * fewest.trailingZeroBitCount
    guard directLevels <= levels else { throw head.damaged("\(levels) levels of blocks") }
    let array = ExtensibleArray(
      header: address, kind: kind, places: places, offsetWidth: (bits + 7) / 8, pageSize: 1 << pageBits,
      smallest: smallest, levels: levels, direct: (2 * (fewest - 1), directLevels), indexElements: indexElements)
    try head.skip(48)
    guard let start = try head.address() else { return }
    try readIndexBlock(array, at: start)
  }

  private mutating func readIndexBlock(_ array: ExtensibleArray, at address: Int) throws(HDF5Failure) {
    try visit(address)
    let lists = array.direct.blocks + array.levels - array.direct.levels
    var index = try block(
      "an array's index of chunks", "EAIB", at: address,
      count: 14 + array.indexElements * array.kind.size + 8 * lists + 4, header: array.header)
    try add(&index, array.kind, from: 0, count: array.indexElements, array.places)
    var first = array.indexElements
    for level in 0..<array.levels {
      let (blocks, elements) = array.level(level)
      if level < array.direct.levels {
        for _ in 0..<blocks {
          if let place = try index.address() {
            guard elements <= array.pageSize else { throw index.damaged("a block in pages among those without") }
            try readDataBlock(array, at: place, from: first, count: elements, pages: nil)
          }
          first += elements
        }
      } else {
        if let place = try index.address() { try readSecondaryBlock(array, level: level, at: place, from: first) }
        first += blocks * elements
      }
    }
  }

  private mutating func readSecondaryBlock(
    _ array: ExtensibleArray, level: Int, at address: Int, from start: Int
  ) throws(HDF5Failure) {
    try visit(address)
    let (blocks, elements) = array.level(level)
    let mapSize = elements > array.pageSize ? (elements / array.pageSize + 7) / 8 : 0
    guard blocks <= input.bytes.count, mapSize <= input.bytes.count else {
      throw .damaged("an array of chunks with more blocks than the file has room for")
    }
    var list = try block(
      "an array's list of blocks", "EASB", at: address,
      count: 14 + array.offsetWidth + blocks * (mapSize + 8) + 4, header: array.header)
    try list.skip(array.offsetWidth)
    let maps = try list.take(blocks * mapSize)
    for number in 0..<blocks {
      guard let place = try list.address() else { continue }
      let pages =
        mapSize > 0
        ? UnsafeRawBufferPointer(rebasing: maps[number * mapSize..<(number + 1) * mapSize]) : nil
      try readDataBlock(array, at: place, from: start + number * elements, count: elements, pages: pages)
    }
  }

  /// - Parameter pages: which of the block's pages were written; nil for a block without pages.
  private mutating func readDataBlock(
    _ array: ExtensibleArray, at address: Int, from first: Int, count: Int, pages: UnsafeRawBufferPointer?
  ) throws(HDF5Failure) {
    try visit(address)
    let name: StaticString = "an array's block of chunks"
    let prefix = 14 + array.offsetWidth
    guard let pages else {
      guard count <= input.bytes.count else { throw .damaged("a block of \(count) chunks, more than the file has") }
      var elements = try block(
        name, "EADB", at: address, count: prefix + count * array.kind.size + 4, header: array.header)
      try elements.skip(array.offsetWidth)
      return try add(&elements, array.kind, from: first, count: count, array.places)
    }
    _ = try block(name, "EADB", at: address, count: prefix + 4, header: array.header)
    let pageBytes = array.pageSize * array.kind.size + 4
    for page in 0..<count / array.pageSize where pages[page / 8] & 0x80 >> UInt8(page % 8) != 0 {
      let (offset, overflow) = page.multipliedReportingOverflow(by: pageBytes)
      guard !overflow, offset <= input.bytes.count else { throw .damaged("pages of chunks outside the file") }
      var elements = try input.checkedStructure(name, at: address + prefix + 4 + offset, count: pageBytes)
      try add(&elements, array.kind, from: first + page * array.pageSize, count: array.pageSize, array.places)
    }
  }
}
