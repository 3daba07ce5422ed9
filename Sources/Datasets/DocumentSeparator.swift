import Tokenization

/// Between documents: which token, on which side.
public enum DocumentSeparator: String, Sendable, CaseIterable {
  /// The tokenizer's end-of-text token after each document, as nanoGPT does (GPT-2: 50256; LLaMA: 2).
  case append
  /// The tokenizer's beginning-of-text token before each document, as llama2.c does (LLaMA: 1); the end-of-text token where
  /// there is no other (GPT-2: 50256).
  case prepend
  case none

  /// The id, or nil for `.none`.
  func token(of tokenizer: Tokenizer) throws(DatasetError) -> Int32? {
    switch self {
    case .none: return nil
    case .append:
      guard let token = tokenizer.eos else { throw .noSeparatorToken(separator: rawValue) }
      return token
    case .prepend:
      guard let token = tokenizer.bos ?? tokenizer.eos else { throw .noSeparatorToken(separator: rawValue) }
      return token
    }
  }
}
