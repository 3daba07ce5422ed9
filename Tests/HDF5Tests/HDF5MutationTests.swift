import Files
import Foundation
import HDF5Fixtures
import Testing

@testable import HDF5

/// Files with one thing wrong, thousands of them: an error or a right description, at once.
struct HDF5MutationTests {
  /// Old and new forms of everything.
  private static let fixture: [UInt8] = {
    var fixture = HDF5Fixture()
    let data = fixture.append(HDF5Fixture.bytes([1, 2, 3]))
    let messages = [
      HDF5Fixture.dataspace([3]), HDF5Fixture.float32, HDF5Fixture.contiguous(at: data, count: 12),
    ]
    let new = fixture.newObject(messages, split: 1)
    let compact = fixture.object(
      [
        HDF5Fixture.dataspace([2]), HDF5Fixture.integer(2), HDF5Fixture.compact([1, 2, 3, 4]),
        HDF5Fixture.attribute("dtype", texts: ["bfloat16"], isList: false),
      ], split: 2)
    let inner = fixture.newObject([
      HDF5Fixture.linkInfo(), HDF5Fixture.link("a", to: new), HDF5Fixture.link("s", soft: "/c"),
      HDF5Fixture.link("e", external: "x", "/y"),
    ])
    let heap = fixture.globalHeap(["{}", "text"])
    let root = fixture.group(
      [("c", .object(compact)), ("inner", .object(inner)), ("soft", .soft("inner/a"))],
      attributes: [
        HDF5Fixture.attribute("config", heap: heap, object: 1, count: 2),
        HDF5Fixture.attribute("layer_names", texts: ["inner", "c"]),
      ])
    return fixture.file(root: root)
  }()

  /// Opens the bytes; whatever is found lies in them.
  private func open(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { bytes in
      do {
        let tree = try HDF5Tree(HDF5Input(bytes))
        for (name, dataset) in tree.datasets {
          if case .chunked(let layout) = dataset.place {
            let input = HDF5Input(bytes)
            let list = try HDF5ChunkList(layout, shape: dataset.shape, input)
            for number in 0..<min(list.grid.reduce(1, *), 100) {
              guard let chunk = list[number] else { continue }
              #expect(chunk.address >= 0 && chunk.address + chunk.size <= bytes.count, "\(name)")
            }
          }
          guard case .contiguous(let range) = dataset.place else { continue }
          #expect(range.count == dataset.byteCount, "\(name)")
          #expect(range.lowerBound >= 0 && range.upperBound <= bytes.count, "\(name)")
        }
        return true
      } catch { return false }
    }
  }

  private func mutate(_ bytes: [UInt8], leastPositions: Int = 500) {
    #expect(open(bytes))
    var (positions, refused) = (0, 0)
    let time = ContinuousClock().measure {
      for position in bytes.indices {
        // Of long rows of zeros, room for what may come, the first eight.
        if position >= 8, bytes[position - 8..<position + 1].allSatisfy({ $0 == 0 }) { continue }
        positions += 1
        #expect(!open(Array(bytes[..<position])), "cut at \(position)")
        for value in [0, 1, 0x7F, 0x80, 0xFF, bytes[position] &+ 1, bytes[position] ^ 0x10] {
          var changed = bytes
          changed[position] = value
          if !open(changed) { refused += 1 }
        }
        // Addresses and sizes.
        guard position + 8 <= bytes.count else { continue }
        for value in [UInt64(position), UInt64(bytes.count), .max, .max >> 1, 1 << 40] {
          var changed = bytes
          withUnsafeBytes(of: value.littleEndian) { changed.replaceSubrange(position..<position + 8, with: $0) }
          if !open(changed) { refused += 1 }
        }
      }
    }
    #expect(positions > leastPositions && refused > positions)
    // Twelve openings a byte, none of which takes long.
    #expect(time < .milliseconds(20 * positions + 1000))
  }

  @Test func ofHandmadeFiles() { mutate(Self.fixture) }

  @Test(arguments: HDF5Fixture.ChunkList.allCases)
  func ofLists(list: HDF5Fixture.ChunkList) {
    var fixture = HDF5Fixture()
    let count = list == .single ? 1 : 6
    let chunks = (0..<count).map { HDF5Fixture.Chunk([$0], [UInt8](repeating: 1, count: 8)) }
    let layout = fixture.chunked(list, chunks, chunk: [4], grid: [count], elementSize: 2)
    let x = fixture.object([
      HDF5Fixture.dataspace([4 * count - 1], limits: list == .extensibleArray ? [nil] : [4 * count]),
      HDF5Fixture.integer(2), layout, HDF5Fixture.filters([]),
    ])
    let root = fixture.group([("x", .object(x))])
    mutate(fixture.file(root: root), leastPositions: 150)
  }

  @Test(.enabled(if: canWriteHDF5, "needs libhdf5 (package hdf5-tools)"))
  func ofFilesOfTheLibrary() throws {
    let skeleton = try HDF5Skeleton(alignment: 64, path: "f")
    try skeleton.add("config", "{}")
    for number in 0..<4 {
      _ = try skeleton.addDataset("t\(number)", type: .bfloat16, shape: [2, number], dtype: "bfloat16")
    }
    mutate(try skeleton.finish().withBytes { Array($0) })
  }

  /// Damage in several places at once.
  @Test func atRandom() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<5000 {
      var bytes = Self.fixture
      for _ in 0..<Int.random(in: 2...8, using: &random) {
        bytes[Int.random(in: 8..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      _ = open(bytes)
    }
  }
}
