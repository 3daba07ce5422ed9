import Glibc
import Tokenization

/// Encodes texts from standard input, for scripts/tokenizer_differential.py: each is a count of bytes (32 bits, little
/// endian) and the bytes; for each comes back a count of ids and the ids, 32 bits each, without special tokens.
struct IdsCommand {
  private let tokenizer: Tokenizer
  private var input: [UInt8] = []
  /// How much of `input` has been encoded.
  private var done = 0
  private var output: [Int32] = []

  private static let chunk = 1 << 18

  init(_ arguments: [String]) throws {
    tokenizer = try Tokenizer.load(directory: arguments[0])
  }

  mutating func run() {
    var ids: [Int32] = []
    while fill(4) {
      let count = input.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: done, as: UInt32.self).littleEndian }
      done += 4
      guard fill(Int(count)) else { break }
      ids.removeAll(keepingCapacity: true)
      input[done..<done + Int(count)].withUnsafeBufferPointer {
        tokenizer.encode(utf8: $0, addSpecialTokens: false, into: &ids)
      }
      done += Int(count)
      output.append(Int32(ids.count).littleEndian)
      output.append(contentsOf: ids.lazy.map(\.littleEndian))
    }
    write()
  }

  /// Reads until there are `count` bytes to encode. What has been encoded is written first: the other side may wait for it.
  private mutating func fill(_ count: Int) -> Bool {
    while input.count - done < count {
      write()
      input.removeFirst(done)
      done = 0
      let start = input.count
      input += repeatElement(0, count: IdsCommand.chunk)
      let got = input.withUnsafeMutableBytes { input in
        input.baseAddress.map { read(STDIN_FILENO, $0 + start, IdsCommand.chunk) } ?? 0
      }
      input.removeLast(IdsCommand.chunk - max(0, got))
      if got <= 0 { return false }
    }
    return true
  }

  private mutating func write() {
    output.withUnsafeBytes { bytes in
      var at = 0
      while let start = bytes.baseAddress, at < bytes.count {
        let written = Glibc.write(STDOUT_FILENO, start + at, bytes.count - at)
        if written <= 0 { exit(1) }
        at += written
      }
    }
    output.removeAll(keepingCapacity: true)
  }
}
