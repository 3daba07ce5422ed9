import Foundation
import Testing

@testable import Datasets

struct OrderedPipelineTests {
  private struct Failure: Error, Equatable { let number: Int }

  /// Squares of 0..<count, through `workers` threads that take different times.
  private func squares(
    _ count: Int, workers: Int, budget: Int = 10, produceFails: Int = .max, transformFails: Int = .max,
    stop: Int = .max
  ) throws -> [Int] {
    var next = 0
    var results: [Int] = []
    try processInOrder(
      workers: workers, budget: budget,
      produce: { () throws -> Int? in
        if next == produceFails { throw Failure(number: next) }
        defer { next += 1 }
        return next < count ? next : nil
      },
      cost: { _ in 3 },
      transform: { number in
        if number % 7 == 0 { usleep(300) }
        if number >= transformFails { throw Failure(number: number) }
        return number * number
      }
    ) { square in
      results.append(square)
      return results.count < stop
    }
    return results
  }

  @Test(arguments: [1, 2, 5])
  func orderIsKept(workers: Int) throws {
    for count in [0, 1, 2, 100] {
      #expect(try squares(count, workers: workers) == (0..<count).map { $0 * $0 })
    }
    // An item that costs more than the budget passes alone.
    #expect(try squares(20, workers: workers, budget: 1) == (0..<20).map { $0 * $0 })
    #expect(try squares(1000, workers: workers, stop: 11).count == 11)
  }

  @Test(arguments: [1, 4])
  func theFirstErrorInOrderIsThrown(workers: Int) {
    for _ in 0..<10 {
      #expect(throws: Failure(number: 13)) { try squares(50, workers: workers, transformFails: 13) }
      #expect(throws: Failure(number: 13)) { try squares(50, workers: workers, produceFails: 13) }
      #expect(throws: Failure(number: 9)) { try squares(50, workers: workers, produceFails: 11, transformFails: 9) }
    }
  }
}
