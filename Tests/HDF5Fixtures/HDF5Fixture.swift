import HDF5

/// Whether HDF5 files can be written here.
public let canWriteHDF5: Bool = {
  do throws(HDF5Library.NotFound) { _ = try HDF5Library.load() } catch { return false }
  return true
}()

/// Makes the bytes of HDF5 files by hand, valid or not. Addresses are places in `bytes`.
public struct HDF5Fixture {
  /// A message of an object's header, by its number. (HDF5 file format specification 3.0, IV.A.2.)
  public typealias Message = (kind: Kind, body: [UInt8])

  public enum Kind: Int, Sendable {
    case dataspace = 0x01
    case linkInfo = 0x02
    case datatype = 0x03
    case fillValue = 0x05
    case link = 0x06
    case externalFiles = 0x07
    case layout = 0x08
    case filters = 0x0B
    case attribute = 0x0C
    case continuation = 0x10
    case symbolTable = 0x11
  }

  public enum Link {
    case object(Int)
    case soft(String)
  }

  public static let undefined = Int(bitPattern: UInt.max)
  /// The superblock is filled in by `file(root:)`.
  public private(set) var bytes = [UInt8](repeating: 0, count: 96)

  public init() {}

  public static func number(_ value: Int, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  public static func padded(_ bytes: [UInt8], to size: Int = 8) -> [UInt8] {
    bytes + [UInt8](repeating: 0, count: (size - bytes.count % size) % size)
  }

  /// Appends at a multiple of 8; returns the address.
  public mutating func append(_ new: [UInt8]) -> Int {
    bytes = HDF5Fixture.padded(bytes)
    bytes += new
    return bytes.count - new.count
  }

  /// Puts what is known only later where room was made for it.
  mutating func fill(_ address: Int, _ new: [UInt8]) { bytes.replaceSubrange(address..<address + new.count, with: new) }

  public func file(root: Int, version: UInt8 = 0) -> [UInt8] {
    var bytes = bytes
    let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
    func n(_ value: Int, _ size: Int = 8) -> [UInt8] { HDF5Fixture.number(value, size) }
    var head = signature
    if version < 2 {
      head += [version, 0, 0, 0, 0, 8, 8, 0] + n(4, 2) + n(16, 2) + n(0, 4)
      head += n(0) + n(-1) + n(bytes.count) + n(-1) + n(0) + n(root) + n(0, 4) + n(0, 4)
    } else {
      head += [version, 8, 8, 0] + n(0) + n(-1) + n(bytes.count) + n(root)
      head += n(Int(head.withUnsafeBytes { HDF5Checksum.of($0) }), 4)
    }
    bytes.replaceSubrange(..<head.count, with: head)
    return bytes
  }

  /// Little-endian.
  public static func bytes(_ values: [Float]) -> [UInt8] {
    values.flatMap { number(Int($0.bitPattern), 4) }
  }

  // MARK: Objects

  /// An object header of version 1; messages from `split` on are in a continuation.
  public mutating func object(_ messages: [Message], split: Int? = nil) -> Int {
    func block(_ messages: some Sequence<Message>) -> [UInt8] {
      messages.flatMap { message in
        let body = HDF5Fixture.padded(message.body)
        let head = HDF5Fixture.number(message.kind.rawValue, 2) + HDF5Fixture.number(body.count, 2)
        return head + [0, 0, 0, 0] + body
      }
    }
    var first = Array(messages[..<(split ?? messages.count)])
    if let split {
      let rest = block(messages[split...])
      first.append((.continuation, HDF5Fixture.number(append(rest), 8) + HDF5Fixture.number(rest.count, 8)))
    }
    let body = block(first)
    return append(
      [1, 0] + HDF5Fixture.number(messages.count, 2) + HDF5Fixture.number(1, 4) + HDF5Fixture.number(body.count, 4)
        + [0, 0, 0, 0] + body)
  }

  /// An object header of version 2; messages from `split` on are in a continuation.
  public mutating func newObject(_ messages: [Message], split: Int? = nil) -> Int {
    func block(_ messages: some Sequence<Message>) -> [UInt8] {
      messages.flatMap { [UInt8($0.kind.rawValue)] + HDF5Fixture.number($0.body.count, 2) + [0] + $0.body }
    }
    func checked(_ bytes: [UInt8]) -> [UInt8] {
      bytes + HDF5Fixture.number(Int(bytes.withUnsafeBytes { HDF5Checksum.of($0) }), 4)
    }
    var first = Array(messages[..<(split ?? messages.count)])
    if let split {
      let rest = checked(Array("OCHK".utf8) + block(messages[split...]))
      first.append((.continuation, HDF5Fixture.number(append(rest), 8) + HDF5Fixture.number(rest.count, 8)))
    }
    let body = block(first)
    return append(checked(Array("OHDR".utf8) + [2, 1] + HDF5Fixture.number(body.count, 2) + body))
  }

  /// A group of the old form. Links with a `soft` target have no address.
  public mutating func group(_ links: [(name: String, link: Link)], attributes: [Message] = []) -> Int {
    var names = [UInt8](repeating: 0, count: 8)
    func name(_ text: String) -> Int {
      names += HDF5Fixture.padded(Array(text.utf8) + [0])
      return names.count - HDF5Fixture.padded(Array(text.utf8) + [0]).count
    }
    var entries: [UInt8] = []
    for (text, link) in links {
      entries += HDF5Fixture.number(name(text), 8)
      switch link {
      case .object(let address): entries += HDF5Fixture.number(address, 8) + [UInt8](repeating: 0, count: 24)
      case .soft(let target):
        entries += HDF5Fixture.number(-1, 8) + HDF5Fixture.number(2, 8) + HDF5Fixture.number(name(target), 16)
      }
    }
    let segment = append(names)
    let heap = append(
      Array("HEAP".utf8) + [0, 0, 0, 0] + HDF5Fixture.number(names.count, 8) + HDF5Fixture.number(1, 8)
        + HDF5Fixture.number(segment, 8))
    let node = append(Array("SNOD".utf8) + [1, 0] + HDF5Fixture.number(links.count, 2) + entries)
    let tree = append(
      Array("TREE".utf8) + [0, 0, 1, 0] + HDF5Fixture.number(-1, 8) + HDF5Fixture.number(-1, 8)
        + HDF5Fixture.number(0, 8) + HDF5Fixture.number(node, 8) + HDF5Fixture.number(0, 8))
    return object([(.symbolTable, HDF5Fixture.number(tree, 8) + HDF5Fixture.number(heap, 8))] + attributes)
  }

  /// A dataset of Float, contiguous, in this group's form.
  public mutating func dataset(_ values: [Float], shape: [Int]? = nil, attributes: [Message] = []) -> Int {
    let data = append(HDF5Fixture.bytes(values))
    return object(
      [
        HDF5Fixture.dataspace(shape ?? [values.count]), HDF5Fixture.float32,
        HDF5Fixture.contiguous(at: data, count: 4 * values.count),
      ] + attributes)
  }
}

// MARK: - Messages

extension HDF5Fixture {
  public static let float32: Message = (
    .datatype, [0x11, 0x20, 31, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0]
  )
  public static let text5: Message = (.datatype, [0x13, 0, 0, 0, 5, 0, 0, 0])

  public static func integer(_ size: Int, signed: Bool = false, bigEndian: Bool = false) -> Message {
    let bits = UInt8((signed ? 8 : 0) | (bigEndian ? 1 : 0))
    return (.datatype, [0x10, bits, 0, 0] + number(size, 4) + [0, 0] + number(8 * size, 2))
  }

  public static func dataspace(_ shape: [Int]) -> Message {
    (.dataspace, [1, UInt8(shape.count), 0, 0, 0, 0, 0, 0] + shape.flatMap { number($0, 8) })
  }

  public static func contiguous(at address: Int, count: Int) -> Message {
    (.layout, [3, 1] + number(address, 8) + number(count, 8))
  }

  public static func compact(_ data: [UInt8]) -> Message { (.layout, [3, 0] + number(data.count, 2) + data) }

  public static func attribute(_ name: String, _ type: Message, _ shape: [Int], _ data: [UInt8]) -> Message {
    let parts = [Array(name.utf8) + [0], type.body, dataspace(shape).body]
    var body: [UInt8] = [1, 0]
    for part in parts { body += number(part.count, 2) }
    for part in parts { body += padded(part) }
    return (.attribute, body + data)
  }

  /// One text, or a list of texts of one length, as Keras and h5py write them.
  public static func attribute(_ name: String, texts: [String], isList: Bool = true) -> Message {
    let size = texts.map(\.utf8.count).max() ?? 1
    var data: [UInt8] = []
    for text in texts { data += Array(text.utf8) + [UInt8](repeating: 0, count: size - text.utf8.count) }
    return attribute(name, (.datatype, [0x13, 1, 0, 0] + number(size, 4)), isList ? [texts.count] : [], data)
  }

  /// A text in a global heap.
  public static func attribute(_ name: String, heap: Int, object: Int, count: Int) -> Message {
    let type: Message = (.datatype, [0x19, 1, 0, 0] + number(16, 4) + text5.body)
    return attribute(name, type, [], number(count, 4) + number(heap, 8) + number(object, 4))
  }

  public mutating func globalHeap(_ texts: [String]) -> Int {
    var objects: [UInt8] = []
    for (index, text) in texts.enumerated() {
      objects += HDF5Fixture.number(index + 1, 2)
      objects += [1, 0, 0, 0, 0, 0]
      objects += HDF5Fixture.number(text.utf8.count, 8)
      objects += HDF5Fixture.padded(Array(text.utf8))
    }
    let free = [UInt8](repeating: 0, count: 16)
    let head = Array("GCOL".utf8) + [1, 0, 0, 0]
    return append(head + HDF5Fixture.number(16 + objects.count + free.count, 8) + objects + free)
  }

  public static func link(_ name: String, to address: Int) -> Message {
    (.link, [1, 0, UInt8(name.utf8.count)] + Array(name.utf8) + number(address, 8))
  }

  public static func link(_ name: String, soft target: String) -> Message {
    (.link, [1, 8, 1, UInt8(name.utf8.count)] + Array(name.utf8) + number(target.utf8.count, 2) + Array(target.utf8))
  }

  public static func link(_ name: String, external file: String, _ object: String) -> Message {
    let value = [0] + Array(file.utf8) + [0] + Array(object.utf8) + [0]
    return (.link, [1, 8, 64, UInt8(name.utf8.count)] + Array(name.utf8) + number(value.count, 2) + value)
  }

  public static func linkInfo(heap: Int = undefined) -> Message {
    (.linkInfo, [0, 0] + number(heap, 8) + number(-1, 8))
  }
}
