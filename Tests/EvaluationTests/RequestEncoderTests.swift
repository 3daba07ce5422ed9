import Testing
import Tokenization

@testable import Evaluation

struct RequestEncoderTests {
  private func ids(_ text: String) -> [Int32] { text.utf8.map { Int32($0) } }

  @Test func continuationIsWhatFollowsTheContextsTokens() throws {
    let encoder = try RequestEncoder(tokenizer: ByteTokenizer.make())
    let requests = encoder.requests(context: "Q:", continuations: [" a", " bc"])
    #expect(
      requests == [
        ScoreRequest(context: ids("Q:"), continuation: ids(" a")),
        ScoreRequest(context: ids("Q:"), continuation: ids(" bc")),
      ])
  }

  @Test func trailingWhitespaceMovesOver() throws {
    let encoder = try RequestEncoder(tokenizer: ByteTokenizer.make())
    #expect(
      encoder.requests(context: "of \u{A0}\n", continuations: [" x"])
        == [ScoreRequest(context: ids("of"), continuation: ids(" \u{A0}\n x"))])
  }

  @Test func emptyContextIsThePrefixToken() throws {
    let encoder = try RequestEncoder(tokenizer: ByteTokenizer.make())
    #expect(encoder.prefixToken == ByteTokenizer.endOfText)
    #expect(
      encoder.requests(context: "", continuations: [" x"])
        == [ScoreRequest(context: [256], continuation: ids(" x"))])
    #expect(
      encoder.requests(context: "  ", continuations: [" x"])
        == [ScoreRequest(context: [256], continuation: ids("   x"))])
  }

  @Test func aSpelledOutPrefixTokenIsNotDoubled() throws {
    let encoder = try RequestEncoder(tokenizer: ByteTokenizer.make(), bos: .yes)
    #expect(encoder.encode("ab") == [256] + ids("ab"))
    #expect(encoder.encode("<|endoftext|>ab").filter { $0 == 256 }.count <= 1)
    #expect(encoder.requests(context: "", continuations: ["<|endoftext|>ab"])[0].context == [256])
  }

  @Test func bosPolicies() throws {
    let tokenizer = try ByteTokenizer.make()
    #expect(try RequestEncoder(tokenizer: tokenizer, bos: .auto).encode("a") == ids("a"))
    #expect(try RequestEncoder(tokenizer: tokenizer, bos: .no).encode("a") == ids("a"))
    let always = try RequestEncoder(tokenizer: tokenizer, bos: .yes)
    #expect(
      always.requests(context: "a", continuations: ["b"])
        == [ScoreRequest(context: [256] + ids("a"), continuation: ids("b"))])
    #expect(always.addsBOS)
    #expect(try !RequestEncoder(tokenizer: tokenizer, bos: .no).addsBOS)
  }

  @Test(arguments: [0, 1, 2, 3, 4, 5, 8, 9, 12, 13])
  func windowsPredictEveryTokenOnce(count: Int) throws {
    let encoder = try RequestEncoder(tokenizer: ByteTokenizer.make())
    let stream = (0..<Int32(count)).map { $0 }
    let windows = encoder.rollingWindows(stream, contextLength: 4)
    #expect(windows.flatMap(\.continuation) == stream)
    for (index, window) in windows.enumerated() {
      let total = window.context.count + window.continuation.count
      #expect(total <= 5)
      if index == 0 {
        #expect(window.context == [256])
      } else {
        // Every later window's input is full, and its context is what stands before its continuation.
        #expect(total == 5)
        let start = Int(window.continuation[0])
        #expect(window.context == Array(stream[(start - window.context.count)..<start]))
      }
    }
  }

  /// The counts verified for the harness: 642 tokens in windows of 128.
  @Test func harnessWindows() throws {
    let encoder = try RequestEncoder(tokenizer: ByteTokenizer.make())
    let windows = encoder.rollingWindows([Int32](repeating: 7, count: 642), contextLength: 128)
    #expect(windows.map { $0.context.count } == [1, 1, 1, 1, 1, 127])
    #expect(windows.map { $0.continuation.count } == [128, 128, 128, 128, 128, 2])
  }
}
