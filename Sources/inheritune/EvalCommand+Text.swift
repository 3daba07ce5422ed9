import Datasets
import Evaluation
import Files
import Models
import Programs
import Tensors

extension EvalCommand {
  func evaluateText(_ encoder: RequestEncoder, scorer: ProgramScorer, _ progress: ProgressLine) throws {
    let result = try TextPerplexity.measure(text, encoder: encoder, scorer: scorer) { done, total in
      progress.update("text", done: done, total: total, unit: .windows)
      Signals.exitIfStopped(progress)
    }
    progress.clear()
    if json {
      return print(
        JSON.object(["files": .array(result.files.map { .object($0.json) }), "total": .object(result.total.json)])
          .serialized())
    }
    let rows = result.files.count == 1 ? result.files : result.files + [result.total]
    print(
      Format.table(
        [["text", "tokens", "loss", "token ppl", "word ppl", "byte ppl", "bits/byte"]]
          + rows.map {
            [
              $0.path, Format.count($0.tokens), $0.loss.formatted(4), Format.perplexity($0.tokenPerplexity),
              Format.perplexity($0.wordPerplexity), $0.bytePerplexity.formatted(4), $0.bitsPerByte.formatted(4),
            ]
          }))
  }

  func evaluateTokens(_ path: String, _ source: ModelSource, _ progress: ProgressLine) throws {
    let files = try TokenSource(paths: [path], split: .validation).files
    for file in files { try file.validate(vocabularySize: source.model.vocabularySize) }
    let store = try load(source, makeDevice())
    let results = try files.map { file in
      try TokenLoss.measure(
        count: file.count, model: source.model, store: store, batchTokens: batchTokens(store),
        copy: { try file.copy($0, to: $1) },
        progress: { done, total in
          progress.update("tokens", done: done, total: total, unit: .windows)
          Signals.exitIfStopped(progress)
        })
    }
    progress.clear()
    let total = results.count == 1 ? results[0] : TokenLoss(total: results)
    if json {
      var object = total.json
      if results.count > 1 {
        object["files"] = .array(
          zip(files, results).map { file, result in
            var entry: JSONObject = ["path": .string(file.path)]
            for (key, value) in result.json { entry[key] = value }
            return .object(entry)
          })
      }
      return print(JSON.object(object).serialized())
    }
    if results.count > 1 {
      print(
        Format.table(
          [["file", "tokens", "loss", "perplexity"]]
            + zip(files, results).map { file, result in
              [file.path, Format.count(result.tokens), result.loss.formatted(4), Format.perplexity(result.perplexity)]
            }))
      print("")
    }
    print("loss        \(total.loss.formatted(4)) nats a token")
    print("perplexity  \(Format.perplexity(total.perplexity))")
    print(
      "tokens      \(Format.count(total.tokens)) in \(Format.count(total.windows)) windows of \(total.contextLength)"
    )
  }
}
