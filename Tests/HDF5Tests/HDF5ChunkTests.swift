import CZlib
import Files
import HDF5Fixtures
import Testing

@testable import HDF5

/// Datasets in chunks, made by hand.
struct HDF5ChunkTests {
  private typealias Fixture = HDF5Fixture

  private func open(_ build: (inout Fixture) -> Int) throws -> HDF5File {
    var fixture = Fixture()
    let object = build(&fixture)
    let root = fixture.group([("x", .object(object))])
    let directory = try TemporaryDirectory()
    return try HDF5File(directory.write("f.h5", fixture.file(root: root)))
  }

  /// The elements of a dataset of two dimensions, or one, of uint16.
  private func elements(_ file: HDF5File) throws -> [UInt16] {
    let chunks = try #require(try file.chunks(of: "x"))
    var elements = [UInt16](repeating: 0, count: chunks.dataset.elementCount)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: chunks.byteCount, alignment: 8)
    defer { buffer.deallocate() }
    for number in 0..<chunks.count {
      let isThere = try chunks.read(number) { buffer }
      chunks.forEachRun(of: number) { source, target, count in
        for index in 0..<count {
          let fill = UInt16(chunks.fillValue[0]) | UInt16(chunks.fillValue[1]) << 8
          elements[target + index] = isThere ? buffer.load(fromByteOffset: 2 * (source + index), as: UInt16.self) : fill
        }
      }
    }
    return elements
  }

  private func complaint(_ build: (inout Fixture) -> Int) -> String {
    message {
      let file = try open(build)
      _ = try file.dataset("x")
      _ = try elements(file)
    }
  }

  /// [5, 7] in chunks of [2, 3]: a grid of [3, 3], whose last rows and columns reach over the edge.
  private func matrix(_ list: Fixture.ChunkList, without missing: Set<Int> = [], filtered: Bool = false) throws
    -> HDF5File
  {
    let isSingle = list == .single
    let (chunk, grid) = isSingle ? ([5, 7], [1, 1]) : ([2, 3], [3, 3])
    return try open { fixture in
      var chunks: [Fixture.Chunk] = []
      for number in 0..<grid[0] * grid[1] where !missing.contains(number) {
        let place = [number / grid[1], number % grid[1]]
        var bytes: [UInt8] = []
        for index in 0..<chunk[0] * chunk[1] {
          let row = place[0] * chunk[0] + index / chunk[1]
          bytes += Fixture.number(10 * row + place[1] * chunk[1] + index % chunk[1], 2)
        }
        chunks.append(Fixture.Chunk(place, filtered ? deflated(bytes) : bytes))
      }
      let layout = fixture.chunked(list, chunks, chunk: chunk, grid: grid, elementSize: 2, isFiltered: filtered)
      let limits: [Int?] =
        switch list {
        case .extensibleArray: [nil, 7]
        case .treeVersion2: [nil, nil]
        default: [5, 7]
        }
      return fixture.object(
        [
          Fixture.dataspace([5, 7], limits: limits), Fixture.integer(2), layout, Fixture.fillValue([0xE7, 3]),
          Fixture.filters(filtered ? [(1, [4])] : []),
        ])
    }
  }

  private static let inOrder: [UInt16] = (0..<35).map { UInt16(10 * ($0 / 7) + $0 % 7) }

  @Test(arguments: Fixture.ChunkList.allCases, [false, true])
  func everyList(list: HDF5Fixture.ChunkList, isFiltered: Bool) throws {
    guard list != .implicit || !isFiltered else { return }
    #expect(try elements(matrix(list, filtered: isFiltered)) == Self.inOrder)
  }

  @Test(arguments: [Fixture.ChunkList.treeVersion1, .fixedArray, .pagedFixedArray, .extensibleArray, .treeVersion2])
  func missingChunksAreTheFillValue(list: HDF5Fixture.ChunkList) throws {
    var expected = Self.inOrder
    for place in expected.indices {
      let (row, column) = (place / 7, place % 7)
      if [2, 3, 8].contains(row / 2 * 3 + column / 3) { expected[place] = 999 }
    }
    #expect(try elements(matrix(list, without: [2, 3, 8])) == expected)
  }

  // MARK: - Filters

  /// [8] of uint16 in one chunk of 8.
  private func vector(
    _ stored: [UInt8], _ filters: [(number: Int, values: [Int])], mask: Int = 0, count: Int = 8
  ) -> (inout HDF5Fixture) -> Int {
    { fixture in
      let layout = fixture.chunked(
        .treeVersion1, [Fixture.Chunk([0], stored, mask: mask)], chunk: [8], grid: [1], elementSize: 2)
      return fixture.object([Fixture.dataspace([count]), Fixture.integer(2), layout, Fixture.filters(filters)])
    }
  }

  private static let values: [UInt16] = [1, 2, 300, 4, 500, 6, 70, 65_535]
  private static let plain: [UInt8] = values.flatMap { HDF5Fixture.number(Int($0), 2) }
  private static let shuffled: [UInt8] = values.map { UInt8($0 & 255) } + values.map { UInt8($0 >> 8) }

  private func summed(_ bytes: [UInt8]) -> [UInt8] {
    bytes + Fixture.number(Int(bytes.withUnsafeBytes { HDF5Filters.fletcher32($0) }), 4)
  }

  @Test func filtersInEveryOrder() throws {
    let (deflate, shuffle, sum) = ((1, [4]), (2, [2]), (3, [Int]()))
    let cases: [([UInt8], [(Int, [Int])], Int)] = [
      (Self.plain, [], 0), (Self.shuffled, [shuffle], 0), (deflated(Self.plain), [deflate], 0),
      (summed(Self.plain), [sum], 0), (deflated(Self.shuffled), [shuffle, deflate], 0),
      (summed(deflated(Self.shuffled)), [shuffle, deflate, sum], 0),
      (deflated(summed(Self.shuffled)), [shuffle, sum, deflate], 0),
      (deflated(summed(Self.plain)), [sum, deflate], 0),
      // Left out for this chunk.
      (Self.shuffled, [shuffle, deflate], 2), (deflated(Self.plain), [shuffle, deflate], 1),
      (Self.plain, [shuffle, deflate, sum], 7),
    ]
    for (stored, filters, mask) in cases {
      #expect(try elements(open(vector(stored, filters, mask: mask))) == Self.values, "\(filters)")
    }
  }

  /// Sums that h5py has stored.
  @Test func fletcher32() {
    func sum(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { HDF5Filters.fletcher32($0) } }
    #expect(sum([UInt8](0..<10)) == 0x2837_1419)
    #expect(sum((0..<1000).map { UInt8(truncatingIfNeeded: 7 * $0) }) == 0xF5FC_3CE7)
    #expect(sum([1, 2, 3]) == 0x0504_0402)
  }

  @Test func damagedChunks() {
    let deflate = (1, [4])
    var wrongSum = summed(Self.plain)
    wrongSum[3] ^= 1
    for (stored, filters, reason): ([UInt8], [(Int, [Int])], String) in [
      (Self.plain + [0], [], "a chunk of 17 bytes, which cannot be 16"),
      (Array(Self.plain.dropLast()), [(2, [2])], "a chunk of 15 bytes, which cannot be 16"),
      (deflated(Self.plain + [0]), [deflate], "a deflated chunk is damaged, or not 16 bytes when unpacked"),
      (deflated(Array(Self.plain.dropLast())), [deflate], "a deflated chunk is damaged, or not 16 bytes when unpacked"),
      (Self.plain, [deflate], "a deflated chunk is damaged, or not 16 bytes when unpacked"),
      (wrongSum, [(3, [])], "a chunk's checksum is wrong"),
      (Self.plain, [(2, [0])], "shuffled elements of no bytes"),
      (Self.plain, [deflate, deflate], "deflate is there twice"),
    ] {
      #expect(complaint(vector(stored, filters)).hasSuffix(reason), "\(reason)")
    }
  }

  @Test func otherFilters() {
    for (number, name) in [(4, "szip (filter 4)"), (6, "scale-offset (filter 6)"), (32_000, "LZF (filter 32000)")] {
      let found = complaint(vector(Self.plain, [(number, [])]))
      #expect(
        found.contains("dataset 'x': its chunks are stored with \(name), expected deflate, shuffle or fletcher32"))
      #expect(found.hasSuffix("h5repack -f GZIP=4 in.h5 out.h5"))
    }
  }

  // MARK: - Hostile layouts

  @Test func chunksThatAreTooLarge() {
    let found = complaint { fixture in
      fixture.object([
        Fixture.dataspace([1 << 30]), Fixture.integer(2),
        (.layout, [3, 2, 2] + Fixture.number(-1, 8) + Fixture.number(1 << 28, 4) + Fixture.number(2, 4)),
      ])
    }
    #expect(found.contains("chunks [268435456] of more than 256 MiB"))
    // Elements that nothing in the file stands for.
    let sparse = complaint { fixture in
      fixture.object([
        Fixture.dataspace([1 << 40]), Fixture.integer(2),
        (.layout, [3, 2, 2] + Fixture.number(-1, 8) + Fixture.number(1 << 10, 4) + Fixture.number(2, 4)),
      ])
    }
    #expect(sparse.contains("2199023255552 bytes in chunks, most of which cannot be in a file of"))
  }

  /// Sizes and places that cannot be, and a list that is used twice.
  @Test func listsThatCannotBe() {
    func version3(rank: UInt8 = 2, at address: Int = -1, chunk: Int = 8, size: Int = 2) -> [UInt8] {
      [3, 2, rank] + Fixture.number(address, 8) + Fixture.number(chunk, 4) + Fixture.number(size, 4)
    }
    let layouts: [([UInt8], String)] = [
      (version3(rank: 3), "chunks of 2 dimensions"), (version3(chunk: 0), "chunks [0]"),
      (version3(size: 4), "elements of 4 bytes, expected 2"),
      (version3(at: 1 << 40), "lies outside the file"),
      ([4, 2, 0, 2, 9, 8], "sizes of 9 bytes"), ([4, 2, 0, 2, 1, 8, 2, 7], "a list of chunks of kind 7"),
    ]
    for (layout, reason) in layouts {
      let found = complaint { $0.object([Fixture.dataspace([8]), Fixture.integer(2), (.layout, layout)]) }
      #expect(found.contains(reason), "\(found)")
    }
    let twice = complaint { fixture in
      let chunk = Fixture.Chunk([0], Self.plain)
      let layout = fixture.chunked(.treeVersion1, [chunk, chunk], chunk: [8], grid: [2], elementSize: 2)
      return fixture.object([Fixture.dataspace([16]), Fixture.integer(2), layout])
    }
    #expect(twice.hasSuffix("chunk 0 is there twice"))
    // The root of the tree is its own child.
    let loop = complaint { fixture in
      let next = fixture.append([])
      let key = [UInt8](repeating: 0, count: 24)
      var node: [UInt8] = Array("TREE".utf8) + [1, 1, 1, 0]
      node += [UInt8](repeating: 0xFF, count: 16) + key
      node += Fixture.number(next, 8) + key
      let root = fixture.append(node)
      return fixture.object([
        Fixture.dataspace([8]), Fixture.integer(2),
        (.layout, [3, 2, 2] + Fixture.number(root, 8) + Fixture.number(8, 4) + Fixture.number(2, 4)),
      ])
    }
    #expect(loop.contains("is used twice"))
  }

  // MARK: - Vectors

  @Test func rangesOfAVector() throws {
    let values = (0..<1000).map { UInt16($0 * 7 % 1000) }
    let file = try open { fixture in
      let chunks = (0..<20).filter { $0 != 3 }.map { number -> Fixture.Chunk in
        let bytes: [UInt8] = values[number * 50..<number * 50 + 50].flatMap { Fixture.number(Int($0), 2) }
        return Fixture.Chunk([number], deflated(bytes))
      }
      let layout = fixture.chunked(.fixedArray, chunks, chunk: [50], grid: [20], elementSize: 2, isFiltered: true)
      return fixture.object([
        Fixture.dataspace([999], limits: [1000]), Fixture.integer(2), layout, Fixture.filters([(1, [4])]),
      ])
    }
    let vector = try HDF5Vector(file, "x")
    let expected = values.indices.map { (150..<200).contains($0) ? 0 : values[$0] }
    #expect(vector.count == 999)
    for range in [0..<999, 0..<0, 49..<51, 149..<201, 160..<170, 998..<999, 50..<100] {
      var found: [UInt16] = []
      try vector.read(range) { first, bytes in
        #expect(first == range.lowerBound + found.count)
        found += bytes.bindMemory(to: UInt16.self)
      }
      #expect(found == Array(expected[range]))
    }
  }
}

private func deflated(_ bytes: [UInt8]) -> [UInt8] {
  var length = compressBound(UInt(bytes.count))
  var packed = [UInt8](repeating: 0, count: Int(length))
  #expect(compress2(&packed, &length, bytes, UInt(bytes.count), 4) == Z_OK)
  return Array(packed[..<Int(length)])
}
