/// How many elements there are, along each axis. (HDF5 file format specification 3.0, IV.A.2.b.)
struct HDF5Dataspace {
  private static let mostDimensions = 32

  /// The sizes, row-major; empty for one value.
  let shape: [Int]
  /// What the sizes may become, nil for no limit.
  let limits: [Int?]

  /// Nil for a space without any element, not even one of shape [].
  init?(_ body: HDF5Cursor) throws(HDF5Failure) {
    var body = body
    let version = try body.byte()
    let rank = Int(try body.byte())
    let flags = try body.byte()
    switch version {
    case 1: try body.skip(5)
    case 2: guard try body.byte() != 2 else { return nil }
    default: throw body.damaged("a dataspace of version \(version), expected 1 or 2")
    }
    guard rank <= HDF5Dataspace.mostDimensions else {
      throw body.damaged("\(rank) dimensions, expected at most \(HDF5Dataspace.mostDimensions)")
    }
    var shape: [Int] = []
    for _ in 0..<rank { shape.append(try body.size()) }
    self.shape = shape
    guard flags & 0x01 != 0 else {
      limits = shape
      return
    }
    var limits: [Int?] = []
    for size in shape {
      // All ones, as in an address, say that there is none.
      let limit = try body.address()
      guard limit ?? .max >= size else { throw body.damaged("a size of \(size), but at most \(limit ?? 0)") }
      limits.append(limit)
    }
    self.limits = limits
  }

  /// The bytes of all elements; nil when that is more than any file has.
  static func byteCount(of shape: [Int], elementSize: Int) -> Int? {
    var count = elementSize
    // As if nothing were empty: whoever multiplies the sizes later, in whatever order, gets no overflow.
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: max(size, 1))
      guard !overflow else { return nil }
      count = product
    }
    return shape.contains(0) ? 0 : count
  }
}
