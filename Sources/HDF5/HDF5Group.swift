import Files

/// What a name in a group stands for.
enum HDF5Link {
  /// The object whose header is at this address.
  case object(Int)
  /// A path in the same file.
  case soft(String)
  /// What it is, and is not followed.
  case elsewhere(String)
}

/// Lists what is in groups, each structure of the file once. (HDF5 file format specification 3.0, III.A, III.B, III.D
/// and IV.A.2.g.)
struct HDF5Groups {
  private let input: HDF5Input
  private var visited: Set<Int> = []

  init(_ input: HDF5Input) { self.input = input }

  /// - Throws: `HDF5Failure.unsupported` for a group whose list is in a form that is not read.
  mutating func links(of group: HDF5Object) throws(HDF5Failure) -> [(name: String, link: HDF5Link)] {
    if let info = group.first(.linkInfo) {
      var body = info.body
      try body.version(0)
      if try body.byte() & 0x01 != 0 { try body.skip(8) }
      guard try body.address() == nil else {
        throw .unsupported("its names are stored in a dense form; \(HDF5Advice.links)")
      }
    }
    var links: [(String, HDF5Link)] = []
    for message in group.all(.link) { links.append(try HDF5Groups.link(message.body)) }
    for message in group.all(.symbolTable) { links += try symbolTable(message.body) }
    return links
  }

  // MARK: Links in the group's header

  private static func link(_ body: HDF5Cursor) throws(HDF5Failure) -> (String, HDF5Link) {
    var body = body
    try body.version(1)
    let flags = try body.byte()
    let kind = flags & 0x08 != 0 ? try body.byte() : 0
    // The creation order, and the character set of the name.
    if flags & 0x04 != 0 { try body.skip(8) }
    if flags & 0x10 != 0 { try body.skip(1) }
    let name = String(decoding: try body.take(body.size(bytes: 1 << Int(flags & 3))), as: UTF8.self)
    switch kind {
    case 0:
      guard let address = try body.address() else { throw body.damaged("a link to nowhere") }
      return (name, .object(address))
    case 1: return (name, .soft(String(decoding: try body.take(body.size(bytes: 2)), as: UTF8.self)))
    case 64:
      var value = try body.part(body.size(bytes: 2))
      try value.skip(1)
      let parts = try value.take(value.remaining).split(separator: 0, omittingEmptySubsequences: false)
      let texts = parts.map { JSON.string(String(decoding: $0.prefix(80), as: UTF8.self)).serialized() }
      guard texts.count >= 2 else { throw body.damaged("an external link without a target") }
      return (name, .elsewhere("a link to \(texts[1]) in another file, \(texts[0]); other files are not opened"))
    default: return (name, .elsewhere("a link of kind \(kind), which is not known"))
    }
  }

  // MARK: Links in a B-tree

  private mutating func symbolTable(_ body: HDF5Cursor) throws(HDF5Failure) -> [(String, HDF5Link)] {
    var body = body
    let addresses = (try body.address(), try body.address())
    guard let root = addresses.0, let heapAddress = addresses.1 else {
      throw body.damaged("a group without a list of names")
    }
    let heap = try HDF5LocalHeap(input, at: heapAddress)
    var links: [(String, HDF5Link)] = []
    var rest: [(address: Int, level: UInt8?)] = [(root, nil)]
    while let (address, expected) = rest.popLast() {
      try visit(address)
      var node = try input.structure("a group's B-tree", at: address, count: 24)
      try node.signature("TREE")
      guard try node.byte() == 0 else { throw node.damaged("a node of another kind of tree") }
      let level = try node.byte()
      guard level == expected ?? level else { throw node.damaged("level \(level) among nodes of another") }
      let count = try node.size(bytes: 2)
      var entries = try input.structure("a group's B-tree", at: address + 24, count: 16 * count + 8)
      var children: [Int] = []
      for _ in 0..<count {
        try entries.skip(8)
        guard let child = try entries.address() else { throw entries.damaged("a child without an address") }
        children.append(child)
      }
      if level > 0 {
        rest += children.reversed().map { ($0, level - 1) }
      } else {
        for child in children { links += try symbolNode(at: child, heap) }
      }
    }
    return links
  }

  private mutating func symbolNode(at address: Int, _ heap: HDF5LocalHeap) throws(HDF5Failure) -> [(String, HDF5Link)] {
    try visit(address)
    var node = try input.structure("a group's list of names", at: address, count: 8)
    try node.signature("SNOD")
    try node.version(1)
    try node.skip(1)
    let count = try node.size(bytes: 2)
    var entries = try input.structure("a group's list of names", at: address + 8, count: 40 * count)
    var links: [(String, HDF5Link)] = []
    for _ in 0..<count {
      let name = try heap.text(at: entries.size())
      let header = try entries.address()
      let kind = try entries.number(UInt32.self)
      try entries.skip(4)
      var scratch = try entries.part(16)
      if kind == 2 {
        links.append((name, .soft(try heap.text(at: scratch.size(bytes: 4)))))
      } else if let header {
        links.append((name, .object(header)))
      } else {
        throw entries.damaged("a name of no object")
      }
    }
    return links
  }

  private mutating func visit(_ address: Int) throws(HDF5Failure) {
    guard visited.insert(address).inserted else {
      throw .damaged("the group structure at byte \(address) is used twice")
    }
  }
}

/// The names in a group, ended by zeros. (HDF5 file format specification 3.0, III.D.)
private struct HDF5LocalHeap {
  private let input: HDF5Input
  private let segment: UnsafeRawBufferPointer

  init(_ input: HDF5Input, at address: Int) throws(HDF5Failure) {
    var head = try input.structure("a group's heap", at: address, count: 32)
    try head.signature("HEAP")
    try head.version(0)
    try head.skip(3)
    let size = try head.size()
    try head.skip(8)
    guard let place = try head.address() else { throw head.damaged("it has no data") }
    var data = try input.structure("a group's heap", at: place, count: size)
    segment = try data.take(size)
    self.input = input
  }

  func text(at offset: Int) throws(HDF5Failure) -> String {
    guard offset < segment.count, let end = segment[offset...].firstIndex(of: 0) else {
      throw .damaged("a name at byte \(offset) of a heap of \(segment.count)")
    }
    try input.charge(end - offset)
    return String(decoding: segment[offset..<end], as: UTF8.self)
  }
}
