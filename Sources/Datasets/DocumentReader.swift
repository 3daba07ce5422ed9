import Glibc

/// Where a document stands in the input: enough to name it in an error, and to go on after it.
struct InputPosition: Equatable, Sendable {
  /// Index into the input files.
  var file = 0
  /// Bytes of the file's uncompressed text before this point.
  var offset = 0
  /// Lines of the file before this point (.jsonl only).
  var line = 0
}

/// A run of documents as they stand in the files: lines of JSON, or text.
struct RawBatch: Sendable {
  struct Document: Sendable {
    var bytes: Range<Int>
    var position: InputPosition
  }

  var bytes: [UInt8] = []
  var documents: [Document] = []
  /// Where reading goes on after this batch.
  var end = InputPosition()
  /// Stored bytes of all files taken so far.
  var consumed = 0
}

/// Cuts the input files into documents, in order. Decompression and the search for line ends are all that happens here, so
/// that one thread can read for many workers; JSON and UTF-8 are checked where the documents are tokenised.
final class DocumentReader {
  /// Batches are closed at this size (bytes); a longer document is a batch of its own.
  static let batchBytes = 1 << 18
  private static let batchDocuments = 4096

  private let files: [InputFile]
  private let delimiter: [UInt8]?
  private let documentLimit: Int
  private let batchBytes: Int
  private var position: InputPosition
  private var stream: (any ByteStream)?
  private var consumedBefore = 0
  private var atEnd = false

  // Text that was read and not yet handed out: buffer[start..<end].
  private var buffer: [UInt8]
  private var start = 0
  private var end = 0

  init(
    files: [InputFile], delimiter: String?, documentLimit: Int, batchBytes: Int, from position: InputPosition
  ) {
    self.files = files
    self.delimiter = delimiter.map { Array($0.utf8) }
    self.documentLimit = documentLimit
    self.batchBytes = batchBytes
    self.position = position
    buffer = [UInt8](repeating: 0, count: 1 << 18)
    consumedBefore = files.prefix(position.file).reduce(0) { $0 + $1.size }
  }

  /// The next batch, or nil after the last document.
  func next() throws(DatasetError) -> RawBatch? {
    var batch = RawBatch()
    while batch.bytes.count < batchBytes, batch.documents.count < DocumentReader.batchDocuments {
      guard try openFile() else { break }
      try appendDocument(to: &batch)
    }
    batch.end = position
    batch.consumed = consumedBefore + (stream?.consumed ?? 0)
    return batch.documents.isEmpty ? nil : batch
  }

  /// - Returns: false when there is no further file.
  private func openFile() throws(DatasetError) -> Bool {
    if stream != nil { return true }
    guard position.file < files.count else { return false }
    let file = files[position.file]
    let opened = try openByteStream(file)
    (start, end, atEnd) = (0, 0, false)
    if position.offset > 0 {
      guard try opened.skip(position.offset) else {
        throw .damagedState(path: file.path, reason: "the file is shorter than when it was read last")
      }
    }
    stream = opened
    let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
    if position.offset == 0, try fill(3), buffer[start..<start + 3].elementsEqual(byteOrderMark) { advance(3) }
    return true
  }

  private func closeFile() {
    consumedBefore += files[position.file].size
    stream = nil
    if buffer.count > 1 << 24 { buffer = [UInt8](repeating: 0, count: 1 << 18) }  // after one very long document
    position = InputPosition(file: position.file + 1)
  }

  /// Adds one document, or only closes the file when nothing is left in it.
  private func appendDocument(to batch: inout RawBatch) throws(DatasetError) {
    let here = position
    if files[position.file].form == .jsonLines {
      let (length, found) = try find([0x0A])
      if length > 0 { try add(length, at: here, to: &batch) }
      advance(length + (found ? 1 : 0))
      position.line += 1
      if !found { closeFile() }
    } else if let delimiter {
      let (length, found) = try find(delimiter)
      try add(lengthWithoutLineBreak(length), at: here, to: &batch)
      advance(length + (found ? delimiter.count : 0))
      if found { try passLineBreak() } else { closeFile() }
    } else {
      while try fill(end - start + 1) {}
      try add(end - start, at: here, to: &batch)
      advance(end - start)
      closeFile()
    }
  }

  private func add(_ length: Int, at position: InputPosition, to batch: inout RawBatch) throws(DatasetError) {
    try checkLength(length)
    let first = batch.bytes.count
    batch.bytes.append(contentsOf: buffer[start..<start + length])
    batch.documents.append(RawBatch.Document(bytes: first..<batch.bytes.count, position: position))
  }

  /// How far it is to `pattern`, or to the end of the file if it does not come again.
  private func find(_ pattern: [UInt8]) throws(DatasetError) -> (length: Int, found: Bool) {
    var searched = 0
    while true {
      let hit = buffer.withUnsafeBytes { offset(of: pattern, in: $0[(start + searched)..<end]) }
      if let hit { return (hit - start, true) }
      searched = max(0, end - start - pattern.count + 1)
      if try !fill(end - start + 1) { return (end - start, false) }
    }
  }

  /// The line breaks just before and after a delimiter belong to it, so that `story\n<|endoftext|>\nstory` gives bare stories.
  private func lengthWithoutLineBreak(_ length: Int) -> Int {
    guard length > 0, buffer[start + length - 1] == 0x0A else { return length }
    return length > 1 && buffer[start + length - 2] == 0x0D ? length - 2 : length - 1
  }

  private func passLineBreak() throws(DatasetError) {
    if try fill(1), buffer[start] == 0x0A {
      advance(1)
    } else if try fill(2), buffer[start] == 0x0D, buffer[start + 1] == 0x0A {
      advance(2)
    }
  }

  private func advance(_ count: Int) {
    start += count
    position.offset += count
  }

  /// Reads until `count` bytes are there.
  /// - Returns: false if the file ends before.
  private func fill(_ count: Int) throws(DatasetError) -> Bool {
    while end - start < count {
      guard !atEnd, let stream else { return false }
      if end == buffer.count { try makeRoom() }
      let (from, to) = (end, buffer.count)
      let result = buffer.withUnsafeMutableBytes { bytes -> Result<Int, DatasetError> in
        do throws(DatasetError) {
          return .success(try stream.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[from..<to])))
        } catch {
          return .failure(error)
        }
      }
      let got = try result.get()
      atEnd = got == 0
      end += got
    }
    return true
  }

  private func makeRoom() throws(DatasetError) {
    let held = end - start
    if start >= buffer.count / 2 {
      buffer.withUnsafeMutableBytes { bytes in
        if let base = bytes.baseAddress { memmove(base, base + start, held) }
      }
      (start, end) = (0, held)
      return
    }
    try checkLength(held)
    buffer.append(contentsOf: repeatElement(0, count: buffer.count))
  }

  private func checkLength(_ length: Int) throws(DatasetError) {
    if length > documentLimit { throw .documentTooLong(location: position.location(in: files), limit: documentLimit) }
  }
}

extension InputPosition {
  /// `file:line` of a JSON line; `file, byte N` of text, N counting from 0 in the uncompressed text.
  func location(in files: [InputFile], byte: Int = 0) -> String {
    let path = files[file].path
    return files[file].form == .jsonLines ? "\(path):\(line + 1)" : "\(path), byte \(offset + byte)"
  }
}

/// The index of the first `pattern` (not empty) in `bytes`.
private func offset(of pattern: [UInt8], in bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
  guard let base = bytes.base.baseAddress else { return nil }
  var at = bytes.startIndex
  while bytes.endIndex - at >= pattern.count {
    guard let first = memchr(base + at, Int32(pattern[0]), bytes.endIndex - at - pattern.count + 1) else { return nil }
    at = UnsafeRawPointer(first) - base
    if memcmp(first, pattern, pattern.count) == 0 { return at }
    at += 1
  }
  return nil
}
