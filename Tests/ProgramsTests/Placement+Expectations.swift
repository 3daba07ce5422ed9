import Testing

@testable import Programs

/// What every placement has to fulfil: live values are apart, inside the arena and aligned.
func expectNoOverlap(
  _ items: [(offset: Int, size: Int, lifetime: ClosedRange<Int>)], arena: Int,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  var clashes: [String] = []
  for (index, item) in items.enumerated() {
    if item.offset % Placement.alignment != 0 || item.offset < 0 { clashes.append("\(item) is not aligned") }
    if item.offset + item.size > arena { clashes.append("\(item) is outside \(arena)") }
    for other in items[..<index] where other.lifetime.overlaps(item.lifetime) {
      if other.offset < item.offset + item.size, item.offset < other.offset + other.size {
        clashes.append("\(item) lies on \(other)")
      }
    }
  }
  #expect(clashes.isEmpty, "\(clashes.first ?? "")", sourceLocation: sourceLocation)
}
