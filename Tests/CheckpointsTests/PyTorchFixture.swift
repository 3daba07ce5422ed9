import CZlib
import Foundation

/// Pickles, as torch.save and others would write them.
enum PickleFixture {
  static func text(_ text: String) -> [UInt8] { [0x58] + little(UInt32(text.utf8.count)) + Array(text.utf8) }

  static func integer(_ value: Int) -> [UInt8] { [0x8A, 8] + little(UInt64(bitPattern: Int64(value))) }

  static func tuple(_ parts: [UInt8]...) -> [UInt8] { [0x28] + parts.flatMap { $0 } + [0x74] }

  static func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }

  static func call(_ module: String, _ name: String, _ arguments: [UInt8]...) -> [UInt8] {
    global(module, name) + [0x28] + arguments.flatMap { $0 } + Array("tR".utf8)
  }

  static func integers(_ values: [Int]) -> [UInt8] { [0x28] + values.flatMap(integer) + [0x74] }

  static func storage(_ key: String = "0", type: String = "FloatStorage", count: Int, part: [UInt8] = []) -> [UInt8] {
    tuple(text("storage"), global("torch", type), text(key), text("cpu"), integer(count), part) + [0x51]
  }

  static func tensor(
    _ storage: [UInt8], offset: Int = 0, _ sizes: [Int], _ strides: [Int], tail: [UInt8] = []
  ) -> [UInt8] {
    call(
      "torch._utils", "_rebuild_tensor_v2", storage, integer(offset), integers(sizes), integers(strides), [0x89],
      call("collections", "OrderedDict"), tail)
  }

  static func dictionary(_ members: [(String, [UInt8])]) -> [UInt8] {
    [0x7D, 0x28] + members.flatMap { text($0.0) + $0.1 } + [0x75]
  }

  static func program(_ value: [UInt8], version: UInt8 = 2) -> [UInt8] { [0x80, version] + value + [0x2E] }
}

/// Zip archives, with whatever is wrong with them.
enum ZipFixture {
  struct Member {
    var name: String
    var bytes: [UInt8]
    var isDeflated = false
    /// With numbers of 8 bytes.
    var isWide = false
    var flags: UInt16 = 0
    var checksum: UInt32?
    var size: Int?
    /// The length that the local header gives the three extra bytes.
    var extraSize: UInt16 = 3
  }

  static func archive(_ members: [Member], count: Int? = nil, comment: [UInt8] = [], isWide: Bool = false) -> [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for member in members {
      let stored = member.isDeflated ? deflated(member.bytes) : member.bytes
      let checksum = member.checksum ?? UInt32(crc32(0, member.bytes, UInt32(member.bytes.count)))
      let size = member.size ?? member.bytes.count
      let method: UInt16 = member.isDeflated ? 8 : 0
      let start = file.count
      let name = Array(member.name.utf8)
      file +=
        little(UInt32(0x0403_4B50)) + little(UInt16(20)) + little(member.flags) + little(method) + little(UInt32(0))
      file += little(checksum) + little(UInt32(stored.count)) + little(UInt32(size))
      file += little(UInt16(name.count)) + little(member.extraSize) + name + [0, 0, 0] + stored
      let wide: [UInt8] =
        member.isWide
        ? little(UInt16(1)) + little(UInt16(24)) + little(UInt64(size)) + little(UInt64(stored.count))
          + little(UInt64(start)) : []
      func narrow(_ value: Int) -> [UInt8] { little(member.isWide ? .max : UInt32(value)) }
      directory += little(UInt32(0x0201_4B50)) + little(UInt16(20)) + little(UInt16(20)) + little(member.flags)
      directory += little(method) + little(UInt32(0)) + little(checksum) + narrow(stored.count) + narrow(size)
      directory += little(UInt16(name.count)) + little(UInt16(wide.count)) + [UInt8](repeating: 0, count: 10)
      directory += narrow(start) + name + wide
    }
    let start = file.count
    file += directory
    if isWide {
      let end = file.count
      file +=
        little(UInt32(0x0606_4B50)) + little(UInt64(44)) + little(UInt32(0)) + little(UInt32(0)) + little(UInt32(0))
      file += little(UInt64(count ?? members.count)) + little(UInt64(count ?? members.count))
      file += little(UInt64(directory.count)) + little(UInt64(start))
      file += little(UInt32(0x0706_4B50)) + little(UInt32(0)) + little(UInt64(end)) + little(UInt32(1))
    }
    let narrowCount = isWide ? UInt16.max : UInt16(count ?? members.count)
    file += little(UInt32(0x0605_4B50)) + little(UInt32(0)) + little(narrowCount) + little(narrowCount)
    file += little(isWide ? .max : UInt32(directory.count)) + little(isWide ? .max : UInt32(start))
    return file + little(UInt16(comment.count)) + comment
  }

  private static func deflated(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    var output = [UInt8](repeating: 0, count: bytes.count + bytes.count / 1000 + 64)
    var input = bytes
    let made: Int = output.withUnsafeMutableBufferPointer { output in
      input.withUnsafeMutableBufferPointer { input in
        guard czlib_deflate_init_raw(&stream, 9) == Z_OK else { return 0 }
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(output.count)
        _ = deflate(&stream, Z_FINISH)
        deflateEnd(&stream)
        return output.count - Int(stream.avail_out)
      }
    }
    return Array(output[..<made])
  }
}

func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
