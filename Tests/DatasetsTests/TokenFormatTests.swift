import Testing

@testable import Datasets

/// Token files with a header, and files that are something else.
struct TokenFormatTests {
  let directory: TemporaryDirectory
  init() throws { directory = try TemporaryDirectory() }

  private func bytes(_ value: Int, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private func llmc(_ magic: Int, _ version: Int, count: Int) -> [UInt8] {
    bytes(magic, 4) + bytes(version, 4) + bytes(count, 4) + [UInt8](repeating: 0, count: 1012)
  }

  private func packed(_ ids: [Int], code: UInt8 = 8, width: Int = 2, chunk: Int? = nil, version: Int = 1) -> [UInt8] {
    Array("LITPKDS".utf8) + bytes(version, 8) + [code] + bytes(chunk ?? ids.count, 8) + ids.flatMap { bytes($0, width) }
  }

  private func malformed(_ path: String, _ part: String) {
    guard case .malformedTokenFile(path, _, let reason)? = error(of: { try TokenFile(path) }) else {
      Issue.record("\(message { try TokenFile(path) }), expected \(part)")
      return
    }
    #expect(reason.contains(part), "\(reason)")
  }

  @Test func llmcFiles() throws {
    let narrow = try TokenFile(
      directory.write("a.bin", llmc(20_240_520, 1, count: 3) + [50256, 7, 65_535].flatMap { bytes($0, 2) }))
    #expect(narrow.format == .llmc && narrow.count == 3)
    #expect(try narrow[0..<3] == [50256, 7, 65_535])
    let wide = try TokenFile(
      directory.write("b.bin", llmc(20_240_801, 7, count: 2) + [128_000, 9].flatMap { bytes($0, 4) }))
    #expect(wide.format == .llmc)
    #expect(try wide[0..<2] == [128_000, 9])
    try wide.validate(vocabularySize: 128_001)
    #expect(
      error { try wide.validate(vocabularySize: 128_000) }
        == .tokenOutsideVocabulary(path: wide.path, position: 0, token: 128_000, vocabularySize: 128_000))
  }

  @Test func llmcHeadersThatDoNotFitAreErrors() throws {
    let good = llmc(20_240_520, 1, count: 3) + [1, 0, 2, 0, 3, 0]
    malformed(
      try directory.write("cut.bin", Array(good.dropLast(2))), "the header says 3 tokens of 2 bytes, 4 bytes follow")
    malformed(try directory.write("long.bin", good + [0, 0]), "8 bytes follow")
    malformed(try directory.write("head.bin", Array(good[..<600])), "600 bytes, fewer than its header has")
    malformed(
      try directory.write("version.bin", llmc(20_240_520, 7, count: 3) + [1, 0, 2, 0, 3, 0]), "version 7, expected 1")
    malformed(try directory.write("huge.bin", llmc(20_240_801, 7, count: -1)), "the header says 4294967295 tokens")
    let empty = try directory.write("empty.bin", llmc(20_240_520, 1, count: 0))
    #expect(error { try TokenFile(empty) } == .emptyTokenFile(path: empty))
    #expect(
      message { try TokenFile(directory.write("mc.bin", llmc(20_240_522, 1, count: 2))) }.contains("multiple-choice"))
  }

  /// 55432 and 308, llm.c's magic number, may begin a raw file.
  @Test func aRawFileMayBeginLikeLLMC() throws {
    let raw = try TokenFile(directory.tokens("a.bin", [55_432, 308, 1, 0, 9, 0, 17, 18]))
    #expect(raw.format == .raw && raw.count == 8)
  }

  @Test func litGPTChunks() throws {
    let chunk = try TokenFile(directory.write("a.bin", packed([5, 6, 7, 2])))
    #expect(chunk.format == .litGPT && chunk.count == 4)
    #expect(try chunk[1..<4] == [6, 7, 2])
    let wide = try TokenFile(directory.write("b.bin", packed([70_000, 1], code: 4, width: 4)))
    #expect(try wide[0..<2] == [70_000, 1])
    #expect(try TokenFile(directory.write("c.bin", packed([9, 8], code: 1, width: 1)))[0..<2] == [9, 8])
    #expect(try TokenFile(directory.write("d.bin", packed([9, 8], code: 5, width: 8)))[0..<2] == [9, 8])
    // Several chunks in one file.
    #expect(try TokenFile(directory.write("e.bin", packed([1, 2, 3, 4], chunk: 2))).count == 4)
  }

  @Test func theLastChunksPaddingIsLeftOut() throws {
    let last = try TokenFile(directory.write("a.bin", packed([5, 6, 2, 2, 2, 2])))
    #expect(last.count == 3)
    #expect(try last[0..<3] == [5, 6, 2])
    #expect(try TokenFile(directory.write("b.bin", packed([2, 2, 2]))).count == 1)
    // Equal bytes are not equal ids.
    #expect(try TokenFile(directory.write("c.bin", packed([0x0101, 0x0201, 0x0101]))).count == 3)
    #expect(try TokenFile(directory.write("d.bin", packed([0x0102, 0x0202, 0x0202]))).count == 2)
  }

  @Test func negativeIdsAreFound() throws {
    for (code, width) in [(3, 2), (4, 4), (5, 8)] {
      let file = try TokenFile(directory.write("\(code).bin", packed([7, -2, 9], code: UInt8(code), width: width)))
      #expect(
        error { try file.validate(vocabularySize: 50_000) }
          == .tokenOutsideVocabulary(path: file.path, position: 1, token: -2, vocabularySize: 50_000))
    }
    let far = try TokenFile(directory.write("far.bin", packed([1 << 40, 3], code: 5, width: 8)))
    #expect(error { try far.validate(vocabularySize: 1 << 50) } != nil)
  }

  @Test func litGPTHeadersThatDoNotFitAreErrors() throws {
    malformed(
      try directory.write("cut.bin", Array(packed([1, 2, 3]).dropLast())),
      "the header says 3 tokens of 2 bytes, 5 bytes")
    malformed(try directory.write("more.bin", packed([1, 2, 3], chunk: 2)), "the header says 2 tokens")
    malformed(try directory.write("none.bin", packed([])), "the header says 0 tokens")
    malformed(try directory.write("huge.bin", packed([1], chunk: -1)), "the header says 18446744073709551615 tokens")
    malformed(try directory.write("max.bin", packed([1], chunk: .max)), "the header says 9223372036854775807 tokens")
    malformed(try directory.write("float.bin", packed([1], code: 6)), "ids of type 6")
    malformed(try directory.write("version.bin", packed([1], version: 2)), "version 2, expected 1")
    malformed(try directory.write("head.bin", Array("LITPKDS".utf8) + [1]), "8 bytes, fewer than its header")
  }

  @Test(
    arguments: [
      ([0x93] + Array("NUMPY".utf8) + [1, 0, 0x76, 0], "a NumPy array"),
      ([0x50, 0x4B, 3, 4, 20, 0, 0, 0], "a zip archive"),
      ([4, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x22, 0x61, 0x22, 0x7D, 0x20], "a safetensors file"),
      ([0x1F, 0x8B, 8, 0, 1, 2, 3, 4, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "gunzip"),
      ([0x28, 0xB5, 0x2F, 0xFD, 0, 0], "unzstd"), (Array("version https://git-lfs.github.com".utf8), "git lfs pull"),
      (Array("<!DOCTYPE html>.".utf8), "a web page"), (Array("MMIDIDX\0\0.".utf8), "Megatron"),
      (Array("PAR1....".utf8), "Parquet"), (Array("GGUF".utf8), "a model"),
    ] as [([UInt8], String)])
  func filesOfOtherKindsAreNamed(bytes: [UInt8], what: String) throws {
    let path = try directory.write("a.bin", bytes)
    guard case .foreignTokenFile(path, let found)? = error(of: { try TokenFile(path) }) else {
      Issue.record("accepted")
      return
    }
    #expect(found.contains(what), "\(found)")
  }

  @Test func textIsNoTokens() throws {
    for name in ["a.txt", "a.jsonl.zst", "a.json"] {
      let path = try directory.write(name, "some text.")
      #expect(error { try TokenFile(path) } == .textInsteadOfTokens(path: path))
    }
  }

  /// GPT-2's token 35615 has gzip's magic bytes; what follows is no gzip header.
  @Test func aRawFileMayBeginLikeGzip() throws {
    let file = try TokenFile(directory.tokens("a.bin", [35_615, 1544, 700, 800, 900, 1000, 1100, 1200, 1300]))
    #expect(file.format == .raw && file.count == 9)
  }
}
