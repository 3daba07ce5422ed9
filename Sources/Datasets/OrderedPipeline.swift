import Foundation

/// Runs `transform` on several threads while `produce` and `consume` see everything one after the other and in order.
///
/// `produce` is called by one worker at a time. `consume` runs on the caller's thread; it returns false to end early. What was
/// produced and not yet consumed costs at most `budget` (in `cost`'s unit), or is a single item. The first error in the order
/// of the items is thrown, whatever the threads' timing. When this returns, no thread is left.
func processInOrder<Input: Sendable, Output: Sendable>(
  workers: Int,
  budget: Int,
  produce: @escaping () throws -> Input?,
  cost: @escaping (Input) -> Int,
  transform: @escaping @Sendable (Input) throws -> Output,
  consume: (Output) throws -> Bool
) throws {
  let pipeline = OrderedPipeline(budget: budget, produce: produce, cost: cost, transform: transform)
  defer { pipeline.finish() }
  pipeline.start(workers: max(1, workers))
  while let output = try pipeline.next() {
    guard try consume(output) else { return }
  }
}

// Every mutable property is guarded by `condition`, `produce` by `producing`.
private final class OrderedPipeline<Input: Sendable, Output: Sendable>: @unchecked Sendable {
  private struct Item {
    var result: Result<Output, any Error>
    var cost: Int
  }

  private let budget: Int
  private let produce: () throws -> Input?
  private let cost: (Input) -> Int
  private let transform: @Sendable (Input) throws -> Output

  private let producing = NSLock()
  private let condition = NSCondition()
  private var produced = 0
  private var consumed = 0
  private var costInFlight = 0
  private var items: [Int: Item] = [:]
  private var sourceIsDry = false
  private var stopped = false
  private var running = 0

  init(
    budget: Int, produce: @escaping () throws -> Input?, cost: @escaping (Input) -> Int,
    transform: @escaping @Sendable (Input) throws -> Output
  ) {
    self.budget = budget
    self.produce = produce
    self.cost = cost
    self.transform = transform
  }

  func start(workers: Int) {
    running = workers
    for index in 0..<workers {
      let thread = Thread { [self] in work() }
      thread.name = "prepare-\(index)"
      thread.stackSize = 8 << 20
      thread.start()
    }
  }

  /// The next output in order, or nil after the last.
  func next() throws -> Output? {
    condition.lock()
    defer { condition.unlock() }
    while items[consumed] == nil {
      if sourceIsDry && consumed == produced { return nil }
      condition.wait()
    }
    guard let item = items.removeValue(forKey: consumed) else { return nil }
    consumed += 1
    costInFlight -= item.cost
    condition.broadcast()
    return try item.result.get()
  }

  /// Ends the workers and waits for them.
  func finish() {
    condition.lock()
    stopped = true
    condition.broadcast()
    while running > 0 { condition.wait() }
    condition.unlock()
  }

  private func work() {
    while let (index, input, cost) = claim() {
      let result = input.flatMap { input in Result { try transform(input) } }
      condition.lock()
      items[index] = Item(result: result, cost: cost)
      condition.broadcast()
      condition.unlock()
    }
    condition.lock()
    running -= 1
    condition.broadcast()
    condition.unlock()
  }

  /// Waits until there is room, then takes the next input.
  private func claim() -> (Int, Result<Input, any Error>, Int)? {
    producing.lock()
    defer { producing.unlock() }
    condition.lock()
    while !stopped, !sourceIsDry, costInFlight >= budget { condition.wait() }
    let ends = stopped || sourceIsDry
    condition.unlock()
    if ends { return nil }

    let input: Result<Input, any Error>
    var inputCost = 0
    do {
      guard let next = try produce() else {
        condition.lock()
        sourceIsDry = true
        condition.broadcast()
        condition.unlock()
        return nil
      }
      inputCost = cost(next)
      input = .success(next)
    } catch {
      input = .failure(error)
    }
    condition.lock()
    defer { condition.unlock() }
    if case .failure = input { sourceIsDry = true }
    produced += 1
    costInFlight += inputCost
    return (produced - 1, input, inputCost)
  }
}
