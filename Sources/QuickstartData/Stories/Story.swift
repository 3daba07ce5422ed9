/// A generated story, and the places in it where a fact told earlier decides the next words.
public struct Story: Sendable, Equatable {
  /// One paragraph, ASCII.
  public let text: String
  public let recalls: [Recall]

  /// A place where the story can only go on in one way, if one remembers what was told.
  public struct Recall: Sendable, Equatable {
    /// UTF-8 bytes of the story before `answer`; the last of them is a blank.
    public let offset: Int
    /// The words that stand there, one or more.
    public let answer: String
    /// Three words of the same kind that would be wrong; those that the story has mentioned come first.
    public let decoys: [String]
    /// Sentences between the one that told the fact and this one.
    public let distance: Int
  }
}
