import Testing

@testable import Files

struct SHA256Tests {
  /// The examples of FIPS 180-4 (NIST, "SHA256" example values), and one with a length around each edge of a block.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
    ),
  ])
  func examples(_ text: String, _ expected: String) {
    #expect(SHA256.hex(of: text) == expected)
  }

  @Test func aMillionLetters() {
    #expect(
      SHA256.hex(of: String(repeating: "a", count: 1_000_000))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  /// `python3 -c "hashlib.sha256(bytes(range(n)))"` for the lengths at which the padding changes.
  @Test(arguments: [
    (55, "463eb28e72f82e0a96c0a4cc53690c571281131f672aa229e0d45ae59b598b59"),
    (56, "da2ae4d6b36748f2a318f23e7ab1dfdf45acdc9d049bd80e59de82a60895f562"),
    (63, "29af2686fd53374a36b0846694cc342177e428d1647515f078784d69cdb9e488"),
    (64, "fdeab9acf3710362bd2658cdc9a29e8f9c757fcf9811603a8c447cd1d9151108"),
    (65, "4bfd2c8b6f1eec7a2afeb48b934ee4b2694182027e6d0fc075074f2fabb31781"),
  ])
  func lengthsAroundABlock(_ count: Int, _ expected: String) {
    let bytes = (0..<count).map { UInt8($0) }
    var hash = SHA256()
    bytes.withUnsafeBytes { hash.update($0) }
    #expect(hash.hexDigest() == expected)
  }

  @Test func piecesDoNotMatter() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    var whole = SHA256()
    bytes.withUnsafeBytes { whole.update($0) }
    for size in [1, 7, 63, 64, 65, 128, 999] {
      var pieces = SHA256()
      bytes.withUnsafeBytes { bytes in
        for start in stride(from: 0, to: bytes.count, by: size) {
          pieces.update(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + size, bytes.count)]))
          _ = pieces.hexDigest()
        }
      }
      #expect(pieces.hexDigest() == whole.hexDigest(), "pieces of \(size)")
    }
  }
}

extension SHA256Tests {
  /// Where the processor has instructions for it, the plain code is not what `update` runs.
  @Test func portableCodeAgrees() {
    var hash = SHA256()
    let blocks = (0..<64 * 9).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 >> 3) }
    blocks.withUnsafeBytes { hash.update($0) }
    var state = SHA256.initialState
    blocks.withUnsafeBytes { SHA256.compressPortably($0, into: &state) }
    #expect(hash.state == state)
  }
}
