import ArgumentParser

/// A number of bytes as Hugging Face writes it: 5GB, 500MB, 200kB (decimal) or 5GiB, 500MiB.
struct ByteSize: ExpressibleByArgument {
  let bytes: Int

  init(_ bytes: Int) { self.bytes = bytes }

  init?(argument: String) {
    let units: [(String, Double)] = [
      ("gib", 0x1p30), ("mib", 0x1p20), ("kib", 0x1p10), ("gb", 1e9), ("mb", 1e6), ("kb", 1e3), ("b", 1), ("", 1),
    ]
    let text = argument.lowercased()
    guard let (unit, factor) = units.first(where: { text.hasSuffix($0.0) }),
      let number = Double(text.dropLast(unit.count)), number > 0, number * factor < 0x1p62, number * factor >= 1
    else { return nil }
    bytes = Int(number * factor)
  }

  var defaultValueDescription: String { bytes % 1_000_000_000 == 0 ? "\(bytes / 1_000_000_000)GB" : "\(bytes)" }
}
