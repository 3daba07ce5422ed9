/// An object of an HDF5 file, a group or a dataset, as its header says it: a list of messages. (HDF5 file format
/// specification 3.0, IV.A.)
struct HDF5Object {
  enum Kind: UInt16 {
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
    case attributeInfo = 0x15
  }

  struct Message {
    let kind: Kind
    /// What is meant stands elsewhere; the body says where.
    let isShared: Bool
    let body: HDF5Cursor
  }

  let messages: [Message]

  init(_ input: HDF5Input, at address: Int) throws(HDF5Failure) {
    var start = try input.structure("the object header", at: address, count: 4)
    let isVersion2 = try start.take(4).elementsEqual("OHDR".utf8)
    messages = isVersion2 ? try HDF5Object.version2(input, address) : try HDF5Object.version1(input, address)
  }

  func all(_ kind: Kind) -> [Message] { messages.filter { $0.kind == kind } }

  func first(_ kind: Kind) -> Message? { messages.first { $0.kind == kind } }

  // MARK: Version 1

  private static func version1(_ input: HDF5Input, _ address: Int) throws(HDF5Failure) -> [Message] {
    var prefix = try input.structure("the object header", at: address, count: 16)
    try prefix.version(1)
    try prefix.skip(7)
    var blocks = [try input.structure("the object header", at: address + 16, count: prefix.size(bytes: 4))]
    var messages: [Message] = []
    while let block = blocks.popLast() {
      var block = block
      while block.remaining >= 8 {
        let kind = try block.number(UInt16.self)
        let size = try block.size(bytes: 2)
        let flags = try block.byte()
        try block.skip(3)
        let body = try block.part(size)
        guard let message = message(kind, flags: flags, body) else { continue }
        if message.kind == .continuation {
          let (place, count) = try continuation(message)
          blocks.append(try input.structure("the object header's continuation", at: place, count: count))
        } else {
          messages.append(message)
        }
      }
    }
    return messages
  }

  // MARK: Version 2

  private static let checksumSize = 4

  private static func version2(_ input: HDF5Input, _ address: Int) throws(HDF5Failure) -> [Message] {
    // The longest form of what stands before the messages, or as much as there is.
    var prefix = try input.structure("the object header", at: address, count: min(34, input.bytes.count - address))
    try prefix.signature("OHDR")
    try prefix.version(2)
    let flags = try prefix.byte()
    if flags & 0x20 != 0 { try prefix.skip(16) }
    if flags & 0x10 != 0 { try prefix.skip(4) }
    let size = try prefix.size(bytes: 1 << Int(flags & 3))
    let head = prefix.position - address
    let (count, overflow) = size.addingReportingOverflow(head + checksumSize)
    guard !overflow else { throw prefix.damaged("a size of \(size)") }
    var blocks = [try checked(input, at: address, count: count, head: head)]
    var messages: [Message] = []
    while let block = blocks.popLast() {
      var block = block
      // The creation order, where it is recorded.
      let extra = flags & 0x04 != 0 ? 2 : 0
      while block.remaining >= 4 + extra {
        let kind = UInt16(try block.byte())
        let size = try block.size(bytes: 2)
        let flags = try block.byte()
        try block.skip(extra)
        let body = try block.part(size)
        guard let message = message(kind, flags: flags, body) else { continue }
        if message.kind == .continuation {
          let (place, count) = try continuation(message)
          var signature = try input.structure("the object header's continuation", at: place, count: 4)
          try signature.signature("OCHK")
          blocks.append(try checked(input, at: place, count: count, head: 4))
        } else {
          messages.append(message)
        }
      }
    }
    return messages
  }

  /// The messages of a block that ends with a checksum.
  private static func checked(
    _ input: HDF5Input, at address: Int, count: Int, head: Int
  ) throws(HDF5Failure) -> HDF5Cursor {
    var block = try input.checkedStructure("the object header", at: address, count: count)
    try block.skip(head)
    return block
  }

  // MARK: Both

  private static func message(_ kind: UInt16, flags: UInt8, _ body: HDF5Cursor) -> Message? {
    Kind(rawValue: kind).map { Message(kind: $0, isShared: flags & 0x02 != 0, body: body) }
  }

  private static func continuation(_ message: Message) throws(HDF5Failure) -> (address: Int, count: Int) {
    var body = message.body
    guard let address = try body.address() else { throw body.damaged("a continuation without an address") }
    return (address, try body.size())
  }
}
