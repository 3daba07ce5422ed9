/// How far a preparation is.
public struct PreparationProgress: Sendable, Equatable {
  /// Documents tokenised; those left out are not counted.
  public var documents: Int
  /// Tokens of both splits; with a sample, of the documents that may be part of it, and not more than are wanted.
  public var tokens: Int
  /// Bytes of UTF-8 text tokenised.
  public var textBytes: Int
  /// Documents that could not be read.
  public var badLines: Int
  /// Bytes of the input files, as stored, that were taken so far, and of all of them.
  public var bytesRead: Int
  public var bytesTotal: Int
}

extension PreparationProgress {
  /// Of several preparations of which this one is done, and another at work.
  func adding(_ other: PreparationProgress) -> PreparationProgress {
    PreparationProgress(
      documents: documents + other.documents, tokens: tokens + other.tokens, textBytes: textBytes + other.textBytes,
      badLines: badLines + other.badLines, bytesRead: bytesRead + other.bytesRead, bytesTotal: bytesTotal)
  }
}

/// What the caller wants after each report.
public enum PreparationDecision: Sendable {
  case `continue`
  /// Save the state and return; the same preparation goes on from there.
  case stop
}

public enum PreparationOutcome<Description: Sendable>: Sendable {
  case finished(Description)
  case stopped(PreparationProgress)
}
