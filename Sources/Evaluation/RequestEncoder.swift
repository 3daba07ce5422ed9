import Templates
import Tokenization

/// Whether a beginning-of-sequence token stands before every text.
public enum BOSPolicy: String, Sendable, CaseIterable {
  /// As the tokenizer does by itself: LLaMA's adds BOS, GPT-2's does not. The harness's default.
  case auto
  /// Always; an error if the tokenizer has no BOS token.
  case yes
  /// Never (the harness's `add_bos_token=false`, and the paper's 2023 harness).
  case no
}

/// Texts to token ids, as the harness encodes them (lm-evaluation-harness 0.4.13, `TemplateLM._encode_pair` and
/// `HFLM.tok_encode`).
public struct RequestEncoder: Sendable {
  public let tokenizer: Tokenizer
  public let bos: BOSPolicy
  /// The first context where there is no other: BOS, or EOS for a tokenizer without BOS.
  public let prefixToken: Int32
  private let prefixText: String

  /// - Throws: `noPrefixToken`, `noBOS`.
  public init(tokenizer: Tokenizer, bos: BOSPolicy = .auto) throws(EvaluationError) {
    guard let prefix = tokenizer.bos ?? tokenizer.eos else { throw .noPrefixToken }
    if bos == .yes && tokenizer.bos == nil { throw .noBOS }
    self.tokenizer = tokenizer
    self.bos = bos
    prefixToken = prefix
    prefixText = tokenizer.decode([prefix], skipSpecialTokens: false)
  }

  /// Whether a text that does not begin with the prefix token gets BOS in front.
  public var addsBOS: Bool {
    switch bos {
    case .auto: tokenizer.addsBOS
    case .yes: true
    case .no: false
    }
  }

  /// A text with the special tokens that the policy asks for, none if the text spells the prefix token out itself.
  public func encode(_ text: String) -> [Int32] {
    if !prefixText.isEmpty && PythonString.hasPrefix(text, prefixText) {
      return tokenizer.encode(text, addSpecialTokens: false)
    }
    switch bos {
    case .auto: return tokenizer.encode(text, addSpecialTokens: true)
    case .no: return tokenizer.encode(text, addSpecialTokens: false)
    case .yes:
      if tokenizer.addsBOS { return tokenizer.encode(text, addSpecialTokens: true) }
      return [prefixToken] + tokenizer.encode(text, addSpecialTokens: false)
    }
  }

  /// The requests for several continuations of one context, which is encoded once.
  ///
  /// An empty context becomes the prefix token and the continuation is encoded without special tokens. Otherwise the
  /// context's trailing whitespace moves to the continuation, both are encoded together, and the continuation's tokens
  /// are what is left after as many tokens as the context alone has: by count only, as the harness does.
  public func requests(context: String, continuations: [String]) -> [ScoreRequest] {
    if context.isEmpty {
      return continuations.map { continuation in
        let ids = tokenizer.encode(continuation, addSpecialTokens: false)
        if ids.first == prefixToken {
          return ScoreRequest(context: [prefixToken], continuation: Array(ids.dropFirst()))
        }
        return ScoreRequest(context: [prefixToken], continuation: ids)
      }
    }
    let (stripped, space) = PythonString.splitTrailingSpace(context)
    let contextIDs = encode(stripped)
    return continuations.map { continuation in
      let whole = encode(stripped + space + continuation)
      // A context of whitespace alone can have no tokens; the harness stops there, here it counts as empty.
      return ScoreRequest(
        context: contextIDs.isEmpty ? [prefixToken] : contextIDs, continuation: Array(whole.dropFirst(contextIDs.count))
      )
    }
  }

  /// A text in windows of `contextLength` tokens, each token predicted exactly once. A full window sees one earlier
  /// token as its context; the last, shorter one sees as many as fit (lm-evaluation-harness 0.4.13,
  /// `get_rolling_token_windows`). An empty text has no windows.
  public func rollingWindows(_ ids: [Int32], contextLength: Int) -> [ScoreRequest] {
    precondition(contextLength > 0, "a window of \(contextLength) tokens")
    guard !ids.isEmpty else { return [] }
    let first = min(contextLength, ids.count)
    var windows = [ScoreRequest(context: [prefixToken], continuation: Array(ids[..<first]))]
    windows.reserveCapacity((ids.count + contextLength - 1) / contextLength)
    var end = first
    while end < ids.count {
      let count = min(ids.count - end, contextLength)
      let start = end
      end += count
      windows.append(
        ScoreRequest(context: Array(ids[(end - contextLength - 1)..<start]), continuation: Array(ids[start..<end])))
    }
    return windows
  }
}
