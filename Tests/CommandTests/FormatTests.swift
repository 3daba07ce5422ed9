import Testing

@testable import inheritune

/// Numbers as people read them.
struct FormatTests {
  @Test(arguments: [
    (0.44, "0.4 s"), (42, "42 s"), (200, "3 min 20 s"), (7500, "2 h 05 min"), (48 * 3600, "2.0 days"),
    (1e15, "11574074074.1 days"), (.infinity, "unknown time"), (.nan, "unknown time"),
  ])
  func duration(seconds: Double, text: String) { #expect(Format.duration(seconds) == text) }

  @Test func counts() {
    #expect(Format.count(1_234_567) == "1,234,567" && Format.count(-1234) == "-1,234" && Format.count(0) == "0")
    #expect(Format.count(1, "block") == "1 block" && Format.count(1300, "block") == "1,300 blocks")
    #expect(Format.perplexity(1.3159) == "1.316" && Format.perplexity(1.624e65) == "1.62e+65")
  }

  @Test(
    arguments: [
      ("5GB", 5_000_000_000), ("200kB", 200_000), ("1.5MiB", 1_572_864), ("77", 77), ("0", nil), ("-1GB", nil),
      ("nanGB", nil), ("1e300GB", nil), ("GB", nil), ("5 apples", nil),
    ] as [(String, Int?)])
  func sizes(text: String, bytes: Int?) { #expect(ByteSize(argument: text)?.bytes == bytes) }

  /// The rate is that of what ran, not of what was there before.
  @Test func progress() {
    #expect(
      ProgressLine.text("prepare", done: 8_000_000, total: 10_000_000, unit: .bytes, ran: 4_000_000, seconds: 4)
        == "prepare: 8.0 MB of 10.0 MB, 1.0 MB/s, 2.0 s left")
    #expect(
      ProgressLine.text("text", done: 6, total: 63, unit: .windows, ran: 6, seconds: 12)
        == "text: 6 of 63 windows, 0.5 windows/s, 1 min 54 s left")
    #expect(
      ProgressLine.text("text", done: 3, total: 9, unit: .windows, ran: 0, seconds: 0) == "text: 3 of 9 windows")
  }
}
