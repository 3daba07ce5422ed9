import Foundation

/// The global batches of a run, one after the other: while one is trained on, a thread fills the next.
///
/// With a shard, `next` gives the shard's rows of each global batch; the state is that of the global sequence of rows, so that
/// a run with another number of shards and the same global batch goes on with the same global batches. Nothing is allocated
/// in `next`, HDF5 files apart.
public final class BatchPrefetcher {
  /// A batch of B rows.
  public struct Batch {
    /// In memory that the next call of `next` gives to the thread again.
    public let rows: BatchRows
    /// B.
    public let count: Int
    /// Targets that the loss counts: B·T, less those that are −1.
    public let targetCount: Int
  }

  private let worker: Worker
  private var isStarted = false
  /// Where the sequence stood before the first batch was handed out.
  private var initialState: LoaderState

  /// - Parameters:
  ///   - loader: is not to be used by anyone else any more.
  ///   - globalBatch: rows of one batch of all shards together, G.
  /// - Throws: `DatasetError.invalidShard`.
  public init(_ loader: BatchLoader, globalBatch G: Int, shard: Shard = .whole) throws(DatasetError) {
    worker = Worker(loader, globalBatch: G, rows: try shard.rows(ofBatch: G))
    initialState = loader.state
    tokensPerEpoch = loader.tokensPerEpoch
  }

  deinit { worker.stop() }

  /// See `BatchLoader.tokensPerEpoch`.
  public let tokensPerEpoch: Int

  /// The next batch; waits until it is filled.
  /// - Throws: as `TokenFile.copy`, when it is this batch that could not be read. It stays so.
  public func next() throws -> Batch {
    if !isStarted {
      worker.start()
      isStarted = true
    }
    return try worker.take()
  }

  /// Where the sequence stands after the batches that were handed out; those that wait do not count.
  public var state: LoaderState { worker.takenState ?? initialState }

  /// Goes on where `state` was taken.
  /// - Throws: as `BatchLoader.restore`; then nothing has changed.
  public func restore(_ state: LoaderState) throws(DatasetError) {
    let before = self.state
    worker.stop()
    isStarted = false
    do {
      try worker.reset(to: state)
      initialState = state
    } catch {
      try worker.reset(to: before)
      initialState = before
      throw error
    }
  }
}

/// Fills two buffers in turn. `condition` guards every mutable property but the contents of the buffers: those belong to the
/// thread from when they are released until they are filled, to the taker from when they are taken until the next is. The
/// loader is used by the thread alone while it runs.
private final class Worker: @unchecked Sendable {
  private final class Buffer {
    let memory: BatchMemory
    var targetCount = 0
    /// Of the loader, after this batch.
    var state: LoaderState

    init(_ memory: BatchMemory, _ state: LoaderState) {
      self.memory = memory
      self.state = state
    }
  }

  private let loader: BatchLoader
  private let globalBatch: Int
  private let rows: Range<Int>
  private let buffers: [Buffer]

  private let condition = NSCondition()
  /// Batches since the start: handed out, no longer needed, and filled.
  private var taken = 0
  private var released = 0
  private var filled = 0
  /// What has ended the thread.
  private var failure: (any Error)?
  private var isStopping = false
  private var isRunning = false

  init(_ loader: BatchLoader, globalBatch: Int, rows: Range<Int>) {
    self.loader = loader
    self.globalBatch = globalBatch
    self.rows = rows
    let (length, state) = (loader.sequenceLength, loader.state)
    buffers = (0..<2).map { _ in
      // The states' arrays are not shared: they are written in place.
      var state = state
      state.sources = state.sources.map { $0 }
      return Buffer(BatchMemory(rows: rows.count, length: length, documentStarts: loader.masking == .attention), state)
    }
  }

  func start() {
    isRunning = true
    let thread = Thread { [self] in work() }
    thread.name = "batches"
    thread.start()
  }

  /// Ends the thread, if there is one, and waits for it.
  func stop() {
    condition.lock()
    isStopping = true
    condition.broadcast()
    while isRunning { condition.wait() }
    isStopping = false
    condition.unlock()
  }

  /// Only while no thread runs.
  func reset(to state: LoaderState) throws(DatasetError) {
    try loader.restore(state)
    (taken, released, filled, failure) = (0, 0, 0, nil)
  }

  func take() throws -> BatchPrefetcher.Batch {
    condition.lock()
    defer { condition.unlock() }
    released = taken
    condition.broadcast()
    while filled == taken, failure == nil { condition.wait() }
    if filled == taken, let failure { throw failure }
    let buffer = buffers[taken % buffers.count]
    taken += 1
    return BatchPrefetcher.Batch(rows: buffer.memory.rows, count: rows.count, targetCount: buffer.targetCount)
  }

  /// After the newest batch that was taken.
  var takenState: LoaderState? {
    condition.lock()
    defer { condition.unlock() }
    guard taken > 0 else { return nil }
    var state = buffers[(taken - 1) % buffers.count].state
    state.sources = state.sources.map { $0 }
    return state
  }

  private func work() {
    while let buffer = claim() {
      let result = Result { try fill(buffer) }
      condition.lock()
      switch result {
      case .success: filled += 1
      case .failure(let error): failure = error
      }
      condition.broadcast()
      condition.unlock()
      if case .failure = result { break }
    }
    condition.lock()
    isRunning = false
    condition.broadcast()
    condition.unlock()
  }

  /// Waits for a buffer that is free; nil when it is time to end.
  private func claim() -> Buffer? {
    condition.lock()
    defer { condition.unlock() }
    while !isStopping, filled - released == buffers.count { condition.wait() }
    return isStopping ? nil : buffers[filled % buffers.count]
  }

  private func fill(_ buffer: Buffer) throws {
    loader.skip(rows: rows.lowerBound)
    try loader.next(rows: rows.count, buffer.memory.rows)
    loader.skip(rows: globalBatch - rows.upperBound)
    loader.copyState(to: &buffer.state)
    buffer.targetCount = buffer.memory.rows.targetCount(rows.count * loader.sequenceLength)
  }
}
