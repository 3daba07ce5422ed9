import Synchronization

/// Text to ids: added tokens, preparation, model, and what stands around the whole.
final class TextEncoder: Sendable {
  private let model: BytePairModel
  private let preparation: TextPreparation
  /// Added tokens that are looked for in the text as it comes, and in prepared text.
  private let added: AddedTokenMatcher
  private let addedToPrepared: AddedTokenMatcher
  /// Ids in front of a text and behind it, if special tokens are asked for.
  let prefix: [Int32]
  let suffix: [Int32]
  let cuts: TextCuts

  /// Those not in use.
  private let workspaces = Mutex<[EncodingWorkspace]>([])

  init(
    model: BytePairModel, preparation: TextPreparation, added: [AddedToken], addedToPrepared: [AddedToken],
    prefix: [Int32], suffix: [Int32]
  ) {
    self.model = model
    self.preparation = preparation
    self.added = AddedTokenMatcher(added)
    self.addedToPrepared = AddedTokenMatcher(addedToPrepared)
    self.prefix = prefix
    self.suffix = suffix
    cuts = TextCuts(model, preparation, added: added + addedToPrepared)
  }

  /// Appends the ids of a text.
  /// - Parameter place: `.start` or `.continuation`.
  func encode(_ text: UnsafeBufferPointer<UInt8>, at place: TextPreparation.Place, into ids: inout [Int32]) {
    if text.isEmpty { return }
    let workspace = workspaces.withLock { $0.popLast() } ?? EncodingWorkspace()
    added.split(
      text,
      text: {
        let part = UnsafeBufferPointer(rebasing: text[$0])
        encodePart(part, at: $0.lowerBound == 0 ? place : .afterToken, workspace)
      },
      token: { appendAdded($0, workspace) })
    workspace.finish(into: &ids)
    workspaces.withLock { $0.append(workspace) }
  }

  /// A part without added tokens that show in the text as it comes.
  private func encodePart(
    _ text: UnsafeBufferPointer<UInt8>, at place: TextPreparation.Place, _ workspace: EncodingWorkspace
  ) {
    guard preparation.composes else { return encodeComposed(text, at: place, workspace) }
    workspace.composer.withComposed(text) { encodeComposed($0, at: place, workspace) }
  }

  private func encodeComposed(
    _ text: UnsafeBufferPointer<UInt8>, at place: TextPreparation.Place, _ workspace: EncodingWorkspace
  ) {
    if addedToPrepared.isEmpty {
      prepare(text, at: place, workspace) { model.encode($0, workspace) }
    } else if preparation.isNormalizer {
      prepare(text, at: place, workspace) { prepared in
        addedToPrepared.split(
          prepared,
          text: { model.encode(UnsafeBufferPointer(rebasing: prepared[$0]), workspace) },
          token: { appendAdded($0, workspace) })
      }
    } else {
      addedToPrepared.split(
        text,
        text: { part in
          let place = part.lowerBound == 0 ? place : .afterToken
          prepare(UnsafeBufferPointer(rebasing: text[part]), at: place, workspace) { model.encode($0, workspace) }
        },
        token: { appendAdded($0, workspace) })
    }
  }

  private func prepare(
    _ text: UnsafeBufferPointer<UInt8>, at place: TextPreparation.Place, _ workspace: EncodingWorkspace,
    _ body: (UnsafeBufferPointer<UInt8>) -> Void
  ) {
    if preparation.isIdentity { return body(text) }
    preparation.prepare(text, at: place, into: &workspace.prepared)
    workspace.prepared.withUnsafeBufferPointer(body)
  }

  private func appendAdded(_ id: Int32, _ workspace: EncodingWorkspace) {
    workspace.reserve(1)
    workspace.append(id)
    workspace.endRun()
  }
}
