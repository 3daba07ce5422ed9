import Testing

@testable import Datasets

struct ByteStreamTests {
  let directory: TemporaryDirectory
  init() throws { directory = try TemporaryDirectory() }

  @Test(arguments: [1, 7, 1000, 1 << 20])
  func membersAndFramesAreOneText(step: Int) throws {
    let text = noise(300_000)
    let (first, second) = (Array(text[..<100_001]), Array(text[100_001...]))
    let files = [
      try directory.write("a.txt", text),
      try directory.write("b.txt.gz", gzip(first) + gzip([]) + gzip(second)),
      try directory.write("c.txt.zst", zstd(first) + zstd([]) + zstd(second)),
    ]
    for file in files where step > 1 || file.hasSuffix("t") == false {
      #expect(try readAll(file, step: step) == text, "\(file)")
    }
  }

  @Test func gzipPaddingIsPassedOver() throws {
    let file = try directory.write("a.txt.gz", gzip([1, 2, 3]) + [UInt8](repeating: 0, count: 1000))
    #expect(try readAll(file) == [1, 2, 3])
    let bad = try directory.write("b.txt.gz", gzip([1, 2, 3]) + [9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9])
    guard case .corruptStream(bad, "gzip", _, _) = error(of: { try readAll(bad) }) else {
      Issue.record("garbage after the last member was accepted")
      return
    }
  }

  @Test func zstdSkippableFrameIsPassedOver() throws {
    // RFC 8878 §3.1.2: magic 0x184D2A50, four bytes of length, contents.
    let skippable: [UInt8] = [0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 7, 7, 7]
    let file = try directory.write("a.txt.zst", skippable + zstd([1, 2]) + skippable)
    #expect(try readAll(file) == [1, 2])
  }

  @Test func everyTruncationIsAnError() throws {
    let text = noise(400)
    for (name, whole) in [("a.txt.gz", gzip(text) + gzip(text)), ("a.txt.zst", zstd(text) + zstd(text))] {
      let boundary = whole.count / 2
      for length in 0..<whole.count where length != boundary {
        let file = try directory.write(name, Array(whole[..<length]))
        guard case .truncatedStream(file, _, let offset) = error(of: { try readAll(file) }) else {
          Issue.record("\(name) cut at \(length) was accepted")
          continue
        }
        #expect(offset <= length)
      }
    }
  }

  @Test func flippedBytesAreErrorsOrTextButNeverACrash() throws {
    let text = noise(2000)
    for (name, whole) in [("a.txt.gz", gzip(text)), ("a.txt.zst", zstd(text))] {
      var errors = 0
      for index in stride(from: 0, to: whole.count, by: 7) {
        var bytes = whole
        bytes[index] ^= 0xFF
        let file = try directory.write(name, bytes)
        if error(of: { try readAll(file) }) != nil { errors += 1 }
      }
      #expect(errors > whole.count / 7 / 2)
    }
  }

  @Test func skippingEqualsReading() throws {
    let text = noise(700_000)
    for (name, bytes) in [("a.txt", text), ("a.txt.gz", gzip(text)), ("a.txt.zst", zstd(text))] {
      let stream = try openByteStream(try InputFile(try directory.write(name, bytes)))
      #expect(try stream.skip(600_000))
      var buffer = [UInt8](repeating: 0, count: 10)
      let got = try buffer.withUnsafeMutableBytes { try stream.read(into: $0) }
      #expect(Array(buffer[..<got]) == Array(text[600_000..<600_000 + got]) && got > 0)
      #expect(try stream.skip(1_000_000) == false)
    }
  }
}
