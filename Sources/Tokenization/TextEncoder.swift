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
  }

  func encode(_ text: UnsafeBufferPointer<UInt8>, addSpecialTokens: Bool, into ids: inout [Int32]) {
    if addSpecialTokens { ids += prefix }
    if !text.isEmpty {
      let workspace = workspaces.withLock { $0.popLast() } ?? EncodingWorkspace()
      encode(text, workspace)
      workspace.finish(into: &ids)
      workspaces.withLock { $0.append(workspace) }
    }
    if addSpecialTokens { ids += suffix }
  }

  private func encode(_ text: UnsafeBufferPointer<UInt8>, _ workspace: EncodingWorkspace) {
    added.split(
      text,
      text: { encodePart(UnsafeBufferPointer(rebasing: text[$0]), isStart: $0.lowerBound == 0, workspace) },
      token: { appendAdded($0, workspace) })
  }

  /// A part without added tokens that show in the text as it comes.
  private func encodePart(_ text: UnsafeBufferPointer<UInt8>, isStart: Bool, _ workspace: EncodingWorkspace) {
    if addedToPrepared.isEmpty {
      prepare(text, isStart: isStart, workspace) { model.encode($0, workspace) }
    } else if preparation.isNormalizer {
      prepare(text, isStart: isStart, workspace) { prepared in
        addedToPrepared.split(
          prepared,
          text: { model.encode(UnsafeBufferPointer(rebasing: prepared[$0]), workspace) },
          token: { appendAdded($0, workspace) })
      }
    } else {
      addedToPrepared.split(
        text,
        text: { part in
          let isStart = isStart && part.lowerBound == 0
          prepare(UnsafeBufferPointer(rebasing: text[part]), isStart: isStart, workspace) {
            model.encode($0, workspace)
          }
        },
        token: { appendAdded($0, workspace) })
    }
  }

  private func prepare(
    _ text: UnsafeBufferPointer<UInt8>, isStart: Bool, _ workspace: EncodingWorkspace,
    _ body: (UnsafeBufferPointer<UInt8>) -> Void
  ) {
    if preparation.isIdentity { return body(text) }
    preparation.prepare(text, isStart: isStart, into: &workspace.prepared)
    workspace.prepared.withUnsafeBufferPointer(body)
  }

  private func appendAdded(_ id: Int32, _ workspace: EncodingWorkspace) {
    workspace.reserve(1)
    workspace.append(id)
    workspace.endRun()
  }
}
