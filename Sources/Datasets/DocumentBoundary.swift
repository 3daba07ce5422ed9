/// The token that separates documents, and on which side of a document it stands.
public struct DocumentBoundary: Sendable, Equatable {
  public enum Side: String, Sendable, CaseIterable {
    /// After each document: the next token begins another one (nanoGPT's data: GPT-2's 50256).
    case append
    /// Before each document, of which it is the first token (llm.c's data: GPT-2's 50256; LLaMA's beginning of text: 1).
    case prepend
  }

  public var token: Int32
  public var side: Side

  public init(token: Int32, side: Side) {
    self.token = token
    self.side = side
  }

  /// What `prepare` has done; nil for documents that nothing separates.
  init?(_ separator: DocumentSeparator, token: Int32?) {
    guard let token, let side = Side(rawValue: separator.rawValue) else { return nil }
    self.init(token: token, side: side)
  }
}

/// What the loss and the attention do where a row goes from one document to the next.
public enum DocumentMasking: String, Sendable, CaseIterable {
  /// Nothing: a row is one text.
  case none
  /// A target that lies in another document than its input becomes −1, which the loss ignores.
  case loss
  /// The same, and a query sees the keys of its own document alone.
  case attention
}

extension DocumentBoundary {
  /// Sets targets that lie in another document than their inputs to −1.
  /// - Parameters:
  ///   - tokens: the T inputs of a row.
  ///   - targets: its T targets.
  func maskTargets(tokens: UnsafePointer<Int32>, targets: UnsafeMutablePointer<Int32>, length T: Int) {
    switch side {
    case .append: for t in 0..<T where tokens[t] == token { targets[t] = -1 }
    case .prepend: for t in 0..<T where targets[t] == token { targets[t] = -1 }
    }
  }

  /// The place in the row, 0...t, at which the document of token t begins. What is before the row does not count: the
  /// document that a row begins in begins at 0.
  func findStarts(tokens: UnsafePointer<Int32>, starts: UnsafeMutablePointer<Int32>, length T: Int) {
    // The first token of a document is the separator itself, or comes right after one.
    let lead = side == .append ? 1 : 0
    var start: Int32 = 0
    for t in 0..<T {
      if t >= lead, tokens[t &- lead] == token { start = Int32(truncatingIfNeeded: t) }
      starts[t] = start
    }
  }
}
