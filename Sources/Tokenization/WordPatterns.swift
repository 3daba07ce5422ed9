extension BytePairModel.Splitter {
  /// The scanner for a regular expression, exactly as it stands in tokenizer.json files; nil if there is none.
  init?(pattern: String) {
    switch pattern {
    case Pattern.gpt2: self = .pattern(GPT2Pattern())
    // Llama 3, GPT-4, OLMo 2, Phi 4.
    case Pattern.gpt4(number: #"\p{N}{1,3}"#), Pattern.tiktoken: self = .gpt4(GPT4Pattern(longestNumber: 3))
    // Qwen 2, 2.5 and 3.
    case Pattern.gpt4(number: #"\p{N}"#): self = .gpt4(GPT4Pattern(longestNumber: 1))
    default: return nil
    }
  }

  private enum Pattern {
    static let gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

    static func gpt4(number: String) -> String {
      #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + number
        + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }

    /// As tiktoken has written the same: matches that cannot be shorter, the line ends of white space one by one.
    static let tiktoken =
      #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"#
  }
}
