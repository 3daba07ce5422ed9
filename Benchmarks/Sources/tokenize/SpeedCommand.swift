import Dispatch
import Files
import Glibc
import Tokenization

/// Encodes a text file, cut at blank lines into documents of about 20 kB, and prints MB/s of the median repeat as JSON.
/// In the first one no word has been met before.
struct SpeedCommand {
  let tokenizer: Tokenizer
  let file: MappedFile
  let threads: Int
  let repeats: Int

  init(_ arguments: [String]) throws {
    tokenizer = try Tokenizer.load(directory: arguments[0])
    file = try MappedFile(arguments[1])
    threads = arguments.count > 2 ? Int(arguments[2]) ?? 1 : 1
    repeats = arguments.count > 3 ? Int(arguments[3]) ?? 3 : 3
  }

  func run() {
    file.withBytes { bytes in
      let text = bytes.bindMemory(to: UInt8.self)
      let documents = SpeedCommand.documents(text)
      var seconds: [Double] = []
      var tokens = 0
      for _ in 0..<repeats {
        let start = DispatchTime.now().uptimeNanoseconds
        tokens = count(text, documents)
        seconds.append(Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
      }
      seconds.sort()
      let median = seconds[seconds.count / 2]
      let megabytes = Double(text.count) / 1e6
      print(
        JSON.object([
          "threads": .integer(Int64(threads)), "MB": .number(megabytes), "tokens": .integer(Int64(tokens)),
          "MB_per_s": .number(megabytes / median),
        ]).serialized())
    }
  }

  private func count(_ text: UnsafeBufferPointer<UInt8>, _ documents: [Range<Int>]) -> Int {
    nonisolated(unsafe) let text = text
    nonisolated(unsafe) let counts = UnsafeMutablePointer<Int>.allocate(capacity: threads)
    defer { counts.deallocate() }
    let share = (documents.count + threads - 1) / threads
    DispatchQueue.concurrentPerform(iterations: threads) { thread in
      var ids: [Int32] = []
      var total = 0
      let first = min(thread * share, documents.count)
      for document in documents[first..<min(first + share, documents.count)] {
        ids.removeAll(keepingCapacity: true)
        tokenizer.encode(utf8: UnsafeBufferPointer(rebasing: text[document]), addSpecialTokens: false, into: &ids)
        total += ids.count
      }
      counts[thread] = total
    }
    return (0..<threads).reduce(0) { $0 + counts[$1] }
  }

  private static func documents(_ text: UnsafeBufferPointer<UInt8>) -> [Range<Int>] {
    var documents: [Range<Int>] = []
    var start = 0
    var at = 0
    while at + 1 < text.count {
      if text[at] == 0x0A, text[at + 1] == 0x0A, at - start > 20000 {
        documents.append(start..<at)
        start = at + 2
        at = start
      } else {
        at += 1
      }
    }
    documents.append(start..<text.count)
    return documents
  }
}
