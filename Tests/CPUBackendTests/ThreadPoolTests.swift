import CKernels
import Foundation
import Testing

@Suite("Thread pool")
struct ThreadPoolTests {
  /// What a loop did, written by its tasks: visits of every index, and the chunks in the order of their claims.
  final class Record: @unchecked Sendable {
    let visits: UnsafeMutablePointer<Int32>
    let count: Int
    let grain: Int64
    /// Set by a task that saw an empty chunk, one off the grain, or a worker that does not exist.
    var fault = false
    let threads: Int32

    init(count: Int, grain: Int64, threads: Int32) {
      self.count = count
      self.grain = grain
      self.threads = threads
      visits = .allocate(capacity: max(count, 1))
      visits.initialize(repeating: 0, count: count)
    }

    deinit { visits.deallocate() }

    var visitedOnce: Bool { (0..<count).allSatisfy { visits[$0] == 1 } }

    static let task: ck_task = { context, begin, end, worker in
      guard let context else { return }
      let record = Unmanaged<Record>.fromOpaque(context).takeUnretainedValue()
      let endsOnGrain = end % record.grain == 0 || end == Int64(record.count)
      if begin >= end || begin % record.grain != 0 || !endsOnGrain || worker < 0 || worker >= record.threads {
        record.fault = true
      }
      for index in Int(begin)..<max(Int(begin), Int(end)) { record.visits[index] += 1 }
    }
  }

  @Test("every index is visited once, in chunks of the grain", arguments: [1, 2, 3, 8])
  func coverage(threads: Int32) throws {
    let pool = try #require(ck_pool_create(threads))
    defer { ck_pool_destroy(pool) }
    #expect(ck_pool_threads(pool) == threads)
    for count in [0, 1, 2, 7, 64, 100, 1000] {
      for grain in [1, 3, 16, 5000] as [Int64] {
        for loop in [ck_parallel, ck_parallel_dynamic] {
          let record = Record(count: count, grain: grain, threads: threads)
          loop(pool, Int64(count), grain, Record.task, Unmanaged.passUnretained(record).toOpaque())
          #expect(record.visitedOnce && !record.fault, "\(count) in \(grain)")
        }
      }
    }
  }

  @Test("loops in quick succession, and after the workers went to sleep")
  func succession() throws {
    let pool = try #require(ck_pool_create(4))
    defer { ck_pool_destroy(pool) }
    let rounds = 5000
    let record = Record(count: 40, grain: 1, threads: 4)
    for round in 0..<rounds {
      if round % 500 == 0 { usleep(2000) }
      let loop = round % 2 == 0 ? ck_parallel : ck_parallel_dynamic
      loop(pool, 40, 1, Record.task, Unmanaged.passUnretained(record).toOpaque())
    }
    #expect((0..<40).allSatisfy { record.visits[$0] == rounds })
  }

  @Test("several workers work at once")
  func concurrency() throws {
    // Each task waits until the other has started: one worker alone would never finish.
    final class Meeting: @unchecked Sendable {
      let lock = NSCondition()
      var arrived = 0
      var met = true
    }
    let pool = try #require(ck_pool_create(2))
    defer { ck_pool_destroy(pool) }
    let meeting = Meeting()
    let task: ck_task = { context, _, _, _ in
      guard let context else { return }
      let meeting = Unmanaged<Meeting>.fromOpaque(context).takeUnretainedValue()
      meeting.lock.lock()
      meeting.arrived += 1
      meeting.lock.broadcast()
      let deadline = Date(timeIntervalSinceNow: 30)
      while meeting.arrived < 2 && meeting.met { meeting.met = meeting.lock.wait(until: deadline) }
      meeting.lock.unlock()
    }
    ck_parallel(pool, 2, 1, task, Unmanaged.passUnretained(meeting).toOpaque())
    #expect(meeting.met)
  }

  @Test("scratch is aligned, and workers do not share it")
  func scratch() throws {
    let pool = try #require(ck_pool_create(3))
    defer { ck_pool_destroy(pool) }
    let scratch = (0..<3).map { ck_pool_scratch(pool, $0) } + [ck_pool_shared_scratch(pool)]
    let addresses = scratch.map { Int(bitPattern: $0) }
    #expect(addresses.allSatisfy { $0 % 64 == 0 })
    #expect(zip(addresses, addresses.dropFirst()).allSatisfy { $1 - $0 >= 4 << 20 })
  }

  @Test("a pool needs a thread") func noThreads() { #expect(ck_pool_create(0) == nil) }
}
