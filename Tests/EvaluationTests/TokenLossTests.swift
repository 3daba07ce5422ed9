import CPUBackend
import Checkpoints
import Glibc
import Models
import Programs
import TestSupport
import Testing

@testable import Evaluation

struct TokenLossTests {
  @Test(arguments: [(2, 4), (4, 4), (5, 4), (6, 4), (9, 4), (10, 4), (33, 4), (3, 1)])
  func everyTokenButTheFirstIsPredictedOnce(count: Int, contextLength: Int) throws {
    var targets: [Int] = []
    let result = try TokenLoss.measure(count: count, contextLength: contextLength, rows: 3) { ranges in
      #expect(ranges.count <= 3)
      return ranges.map { range in
        #expect((2...contextLength + 1).contains(range.count) && range.upperBound <= count)
        targets += range.dropFirst()
        return range.dropFirst().reduce(0) { $0 + Double($1) }
      }
    }
    #expect(targets == Array(1..<count))
    #expect(result.tokens == count - 1)
    #expect(result.loss == Double(count) / 2)
    #expect(result.perplexity == exp(result.loss))
  }

  @Test func limitsAndErrors() throws {
    func measure(count: Int, contextLength: Int = 10, windows: Int? = nil) throws -> TokenLoss {
      try TokenLoss.measure(count: count, contextLength: contextLength, rows: 2, maximumWindows: windows) {
        $0.map { Double($0.count - 1) }
      }
    }
    let some = try measure(count: 1000, windows: 7)
    #expect(some.windows == 7 && some.tokens == 70 && some.loss == 1)
    #expect(try measure(count: 1000, windows: 1000).windows == 100)
    #expect(throws: EvaluationError.self) { try measure(count: 1) }
    #expect(throws: EvaluationError.self) { try measure(count: 0) }
    #expect(throws: EvaluationError.self) { try measure(count: 9, windows: 0) }
  }

  /// Against the model's scores of the same windows as requests.
  @Test(.enabled(if: Shared.isAvailable, "needs shared/"), arguments: [2, 20, 129, 130, 1000])
  func aModelsLossIsThatOfItsScores(count: Int) throws {
    let directory = Shared.path("goldens/eval-fixtures/models/llama-tiny")
    let model = try Model.load(directory: directory)
    let store = try ParameterStore.load(model, from: Checkpoint.open(directory), device: CPUDevice(threads: 2))
    let T = model.contextLength
    let ids = (0..<count).map { Int32($0 * 131 % 601) }
    func measure(batchTokens: Int) throws -> TokenLoss {
      try TokenLoss.measure(count: count, model: model, store: store, batchTokens: batchTokens) { range, destination in
        for (offset, position) in range.enumerated() { destination[offset] = ids[position] }
      }
    }
    let result = try measure(batchTokens: 300)
    let windows = stride(from: 0, to: count - 1, by: T).map { start in
      ScoreRequest(context: [ids[start]], continuation: Array(ids[(start + 1)..<min(start + T + 1, count)]))
    }
    let sum = try ProgramScorer(model: model, store: store).scores(of: windows)
      .reduce(0) { $0 + $1.logProbability }
    #expect(result.tokens == count - 1 && result.windows == windows.count)
    #expect(abs(result.loss + sum / Double(count - 1)) < 1e-5)
    #expect(abs(try measure(batchTokens: 1).loss - result.loss) < 1e-6)
    #expect(throws: EvaluationError.self) {
      try TokenLoss.measure(count: count, model: model, store: store) { range, destination in
        for offset in range.indices { destination[offset - range.lowerBound] = Int32(model.vocabularySize) }
      }
    }
  }
}
