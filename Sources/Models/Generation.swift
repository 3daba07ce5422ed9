import Programs
import Tensors

/// Continues a prompt, one token at a time.
public final class Generator {
  private let model: Model
  private let store: ParameterStore

  public init(_ model: Model, store: ParameterStore) {
    self.model = model
    self.store = store
  }

  /// Draws up to `maximumTokens` tokens after `prompt`, ending at a stop token or at the model's context.
  /// - Parameter onToken: told every new token as it comes (a stop token is not); false ends the generation.
  /// - Returns: the new tokens.
  /// - Throws: `ModelError` as `check`; `GraphError`, `DeviceError`.
  @discardableResult
  public func generate(
    _ prompt: [Int32], maximumTokens: Int, stopTokens: Set<Int32> = [], options: SamplingOptions,
    onToken: (Int32) -> Bool = { _ in true }
  ) throws -> [Int32] {
    try check(prompt)
    let room = min(maximumTokens, model.contextLength - prompt.count + 1)
    guard room > 0 else { return [] }
    // The last new token is never fed back.
    let cache = KeyValueCache(device: store.device, capacity: prompt.count + room - 1)
    var sampler = Sampler(options)
    var logits = try DecodeProgram(model, store: store, length: prompt.count, cache: cache).run(prompt, at: 0)
    let step = try DecodeProgram(model, store: store, length: 1, cache: cache)
    var tokens: [Int32] = []
    while true {
      let token = sampler.next(logits)
      if stopTokens.contains(token) { return tokens }
      tokens.append(token)
      if !onToken(token) || tokens.count == room { return tokens }
      logits = try step.run([token], at: prompt.count + tokens.count - 1)
    }
  }

  /// Whether `prompt` can be continued, before anything is computed.
  /// - Throws: `ModelError` for a prompt that is empty, longer than the context or has foreign ids.
  public func check(_ prompt: [Int32]) throws(ModelError) {
    guard !prompt.isEmpty else { throw .emptyPrompt }
    guard prompt.count <= model.contextLength else {
      throw .tooManyTokens(count: prompt.count, contextLength: model.contextLength)
    }
    if let bad = prompt.first(where: { $0 < 0 || Int($0) >= model.vocabularySize }) {
      throw .tokenOutsideVocabulary(token: Int(bad), vocabularySize: model.vocabularySize)
    }
  }
}
