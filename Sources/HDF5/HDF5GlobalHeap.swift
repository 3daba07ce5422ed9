/// Texts of variable length, many in one collection. (HDF5 file format specification 3.0, III.E.)
final class HDF5GlobalHeap {
  private let input: HDF5Input
  /// The objects of the collections seen so far, by the address of the collection and their number.
  private var collections: [Int: [Int: HDF5Cursor]] = [:]

  init(_ input: HDF5Input) { self.input = input }

  func object(_ number: Int, at address: Int) throws(HDF5Failure) -> UnsafeRawBufferPointer {
    let objects = if let known = collections[address] { known } else { try collection(at: address) }
    collections[address] = objects
    guard var object = objects[number] else {
      throw .damaged("the global heap at byte \(address) has no object \(number)")
    }
    // The same text may be asked for often.
    try input.charge(object.remaining)
    return try object.take(object.remaining)
  }

  private func collection(at address: Int) throws(HDF5Failure) -> [Int: HDF5Cursor] {
    let headSize = 16
    var head = try input.structure("the global heap", at: address, count: headSize)
    try head.signature("GCOL")
    try head.version(1)
    try head.skip(3)
    let size = try head.size()
    guard size >= headSize else { throw head.damaged("a size of \(size)") }
    var rest = try input.structure("the global heap", at: address, count: size)
    try rest.skip(headSize)
    var objects: [Int: HDF5Cursor] = [:]
    while rest.remaining >= headSize {
      let number = try rest.size(bytes: 2)
      // References to it.
      try rest.skip(6)
      let size = try rest.size()
      // Number 0 is the free space behind all others.
      guard number != 0 else { break }
      objects[number] = try rest.part(size)
      try rest.skip(min((8 - size % 8) % 8, rest.remaining))
    }
    return objects
  }
}
