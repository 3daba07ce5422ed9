/// What encoding a text needs beside the tokenizer: buffers and the word cache. Kept from text to text, so that in the
/// long run a word allocates nothing. One text at a time.
final class EncodingWorkspace: @unchecked Sendable {
  // Unchecked: it is handed from thread to thread, but used by one at a time.

  let cache = WordCache()
  var engine = MergeEngine()
  lazy var composer = CanonicalComposer()
  /// Text as the model sees it.
  var prepared: [UInt8] = []
  private var symbols = UnsafeMutableBufferPointer<Int32>.allocate(capacity: 64)

  /// Ids of the text so far.
  private(set) var output: UnsafeMutablePointer<Int32>
  private var capacity = 4096
  private(set) var count = 0
  /// Where in `output` the tokens began that may run together with the ones that come.
  private var runStart = 0

  /// More than this is not kept for the next text.
  private static let retainedCapacity = 1 << 20

  init() { output = .allocate(capacity: capacity) }

  deinit {
    output.deallocate()
    symbols.deallocate()
  }

  /// Memory for the symbols of a word of `count` bytes.
  @inline(__always)
  func symbols(_ count: Int) -> UnsafeMutableBufferPointer<Int32> {
    if count > symbols.count {
      symbols.deallocate()
      symbols = .allocate(capacity: max(count, 2 * symbols.count))
    }
    return symbols
  }

  /// Makes room for `more` tokens, and for a whole slot of the cache behind them.
  @inline(__always)
  func reserve(_ more: Int) {
    if count + more + WordCache.mostTokens > capacity { grow(more) }
  }

  private func grow(_ more: Int) {
    capacity = max(2 * capacity, count + more + WordCache.mostTokens)
    let larger = UnsafeMutablePointer<Int32>.allocate(capacity: capacity)
    larger.initialize(from: output, count: count)
    output.deallocate()
    output = larger
  }

  /// Appends a slot's tokens; there is room.
  @inline(__always)
  func append(_ slot: UnsafeMutablePointer<WordCache.Slot>) {
    UnsafeMutableRawPointer(output + count).storeBytes(of: slot.pointee.tokens, as: WordCache.Tokens.self)
    count += Int(slot.pointee.count)
  }

  /// Appends one token; there is room.
  @inline(__always)
  func append(_ id: Int32) {
    output[count] = id
    count += 1
  }

  /// Appends the unknown token, unless it stands there already.
  func appendFused(_ unknown: Int32) {
    if count > runStart, output[count - 1] == unknown { return }
    append(unknown)
  }

  /// What comes does not run together with what is there.
  func endRun() { runStart = count }

  /// Moves all ids to the end of `ids`.
  func finish(into ids: inout [Int32]) {
    ids.append(contentsOf: UnsafeBufferPointer(start: output, count: count))
    count = 0
    runStart = 0
    if capacity > EncodingWorkspace.retainedCapacity {
      output.deallocate()
      capacity = 4096
      output = .allocate(capacity: capacity)
    }
    if prepared.capacity > EncodingWorkspace.retainedCapacity { prepared = [] }
    if symbols.count > EncodingWorkspace.retainedCapacity {
      symbols.deallocate()
      symbols = .allocate(capacity: 64)
    }
  }
}
