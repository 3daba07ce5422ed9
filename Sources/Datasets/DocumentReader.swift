import Files

/// Cuts the input files into documents, in order, and long texts into pieces. Decompression and the search for line ends are
/// all that happens here, so that one thread can read for many workers; JSON and UTF-8 are checked where the documents are
/// tokenised.
final class DocumentReader {
  struct Settings: Sendable {
    /// What stands between the documents of a .txt file; without it the file is one.
    var delimiter: String?
    /// The longest JSON line, and the longest piece of a text (bytes).
    var documentLimit: Int
    /// Batches are closed at this size (bytes); what is longer is a batch of its own.
    var batchBytes = 1 << 18
    /// A text longer than this comes in pieces.
    var pieceBytes = 1 << 20
    /// Whether `RawBatch.Piece.hash` is wanted.
    var hashesText = false
  }

  private static let batchPieces = 4096
  /// A batch ends after so many bytes of which none was wanted, so that progress shows.
  private static let passedBytes = 1 << 24

  private let files: [InputFile]
  private let settings: Settings
  private let delimiter: [UInt8]?
  private let filter: DocumentFilter
  private let lastCut: (UnsafeBufferPointer<UInt8>) -> Int?

  private var position: InputPosition
  private var buffer: InputBuffer?
  private var consumedBefore = 0
  /// Of the open document, as far as it was handed out.
  private var textHash = SHA256()

  /// - Parameter lastCut: `Tokenizer.lastCut(in:)`.
  init(
    files: [InputFile], settings: Settings, filter: DocumentFilter,
    lastCut: @escaping (UnsafeBufferPointer<UInt8>) -> Int?, from position: InputPosition
  ) {
    self.files = files
    self.settings = settings
    self.filter = filter
    self.lastCut = lastCut
    self.position = position
    delimiter = settings.delimiter.map { Array($0.utf8) }
    consumedBefore = files.prefix(position.file).reduce(0) { $0 + $1.size }
  }

  /// The next batch, or nil after the last document. It has no pieces if none was wanted for long.
  func next() throws(DatasetError) -> RawBatch? {
    var batch = RawBatch()
    batch.bytes.reserveCapacity(settings.batchBytes + settings.batchBytes / 4)
    let before = position
    var passed = 0
    while batch.bytes.count < settings.batchBytes, batch.pieces.count < DocumentReader.batchPieces,
      passed < DocumentReader.passedBytes
    {
      guard let buffer = try openFile() else { break }
      let offset = position.offset
      if files[position.file].form == .jsonLines {
        try takeLine(buffer, into: &batch)
      } else {
        try takeText(buffer, into: &batch)
      }
      passed += max(0, position.offset - offset)
    }
    batch.end = position
    batch.consumed = consumedBefore + (buffer?.consumed ?? 0)
    return position == before ? nil : batch
  }

  // MARK: - Files

  /// - Returns: nil when there is no further file.
  private func openFile() throws(DatasetError) -> InputBuffer? {
    if let buffer { return buffer }
    guard position.file < files.count else { return nil }
    let file = files[position.file]
    let stream = try openByteStream(file)
    let hashed = settings.hashesText ? position.documentBytes : 0
    guard position.offset >= hashed, try stream.skip(position.offset - hashed) else { throw shortened(file) }
    let opened = InputBuffer(stream)
    textHash = SHA256()
    var left = hashed
    while left > 0 {
      guard try opened.fill(1) else { throw shortened(file) }
      let bytes = UnsafeRawBufferPointer(rebasing: opened.held.prefix(left))
      textHash.update(bytes)
      left -= bytes.count
      opened.advance(bytes.count)
    }
    let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
    if position.offset == 0, try opened.fill(3), opened.held.starts(with: byteOrderMark) {
      opened.advance(3)
      position.offset = 3
    }
    buffer = opened
    return opened
  }

  private func shortened(_ file: InputFile) -> DatasetError {
    .damagedState(path: file.path, reason: "the file is shorter than when it was read last")
  }

  private func closeFile() {
    consumedBefore += files[position.file].size
    buffer = nil
    position = InputPosition(file: position.file + 1, document: position.document)
  }

  // MARK: - Lines

  /// Adds the next line, unless it is blank or not wanted.
  private func takeLine(_ buffer: InputBuffer, into batch: inout RawBatch) throws(DatasetError) {
    let lineFeed: [UInt8] = [0x0A]
    switch try buffer.find(lineFeed, within: settings.documentLimit) {
    case .found(let length):
      addLine(buffer, length, to: &batch)
      advance(buffer, length + 1)
      position.line += 1
    case .ended(let length):
      addLine(buffer, length, to: &batch)
      closeFile()
    case .farther:
      if filter.mayWant(document: position.document) { addFailure(tooLong, to: &batch) }
      position.document += 1
      let (count, found) = try buffer.pass(through: lineFeed)
      position.offset += count
      position.line += 1
      if !found { closeFile() }
    }
  }

  private func addLine(_ buffer: InputBuffer, _ length: Int, to batch: inout RawBatch) {
    let line = UnsafeRawBufferPointer(rebasing: buffer.held.prefix(length))
    if isBlank(line.assumingMemoryBound(to: UInt8.self)) { return }
    if filter.mayWant(document: position.document) {
      add(line, isFirst: true, isLast: true, to: &batch)
    }
    position.document += 1
  }

  private var tooLong: DatasetError {
    .documentTooLong(location: position.location(in: files), limit: settings.documentLimit)
  }

  // MARK: - Text

  /// Adds the next document, or the next piece of it.
  private func takeText(_ buffer: InputBuffer, into batch: inout RawBatch) throws(DatasetError) {
    let isFirst = position.documentBytes == 0
    guard isFirst ? filter.mayWant(document: position.document) : !filter.isPassed(position.document) else {
      // The end of an open document has to be told.
      if !isFirst { add(UnsafeRawBufferPointer(start: nil, count: 0), isFirst: false, isLast: true, to: &batch) }
      return try passDocument(buffer)
    }
    var length = min(settings.pieceBytes, settings.documentLimit)
    while true {
      if let ending = try ending(buffer, within: length) {
        add(prefix(of: buffer, ending.text), isFirst: isFirst, isLast: true, to: &batch)
        return try endDocument(buffer, ending)
      }
      if let cut = lastCut(prefix(of: buffer, length).assumingMemoryBound(to: UInt8.self)) {
        add(prefix(of: buffer, cut), isFirst: isFirst, isLast: false, to: &batch)
        advance(buffer, cut)
        position.documentBytes += cut
        return
      }
      if length == settings.documentLimit {
        addFailure(uncuttable(prefix(of: buffer, length)), to: &batch)
        return try passDocument(buffer)
      }
      length = min(settings.documentLimit, 2 * length)
    }
  }

  /// How the text ahead ends.
  private struct Ending {
    /// Bytes up to the end of the document's text, and of the delimiter or the file.
    var text: Int
    var all: Int
    var isLastOfFile: Bool
  }

  /// The end of the document, if its text is not longer than `limit`. If it is, so many bytes are held, and are all text.
  private func ending(_ buffer: InputBuffer, within limit: Int) throws(DatasetError) -> Ending? {
    guard let delimiter else {
      if try buffer.fill(limit + 1) { return nil }
      let count = buffer.held.count
      return Ending(text: count, all: count, isLastOfFile: true)
    }
    // A line break, of one or two bytes, may stand between the text and the delimiter.
    let ending: Ending
    switch try buffer.find(delimiter, within: limit + 2) {
    case .found(let count):
      let text = lengthWithoutLineBreak(prefix(of: buffer, count))
      ending = Ending(text: text, all: count + delimiter.count, isLastOfFile: false)
    case .ended(let count):
      let text = lengthWithoutLineBreak(prefix(of: buffer, count))
      ending = Ending(text: text, all: count, isLastOfFile: true)
    case .farther: return nil
    }
    return ending.text <= limit ? ending : nil
  }

  private func endDocument(_ buffer: InputBuffer, _ ending: Ending) throws(DatasetError) {
    advance(buffer, ending.all)
    position.document += 1
    position.documentBytes = 0
    if ending.isLastOfFile { closeFile() } else { try passLineBreak(buffer) }
  }

  private func passDocument(_ buffer: InputBuffer) throws(DatasetError) {
    position.document += 1
    position.documentBytes = 0
    guard let delimiter else {
      // A damaged stream is an error whether its text is wanted or not: that may be known too late.
      if files[position.file].compression != .none {
        while try buffer.fill(1) { buffer.advance(buffer.held.count) }
      }
      return closeFile()
    }
    let (count, found) = try buffer.pass(through: delimiter)
    position.offset += count
    if found { try passLineBreak(buffer) } else { closeFile() }
  }

  /// The line breaks just before and after a delimiter belong to it, so that `story\n<|endoftext|>\nstory` gives bare stories.
  private func lengthWithoutLineBreak(_ text: UnsafeRawBufferPointer) -> Int {
    guard let last = text.last, last == 0x0A else { return text.count }
    return text.count > 1 && text[text.count - 2] == 0x0D ? text.count - 2 : text.count - 1
  }

  private func passLineBreak(_ buffer: InputBuffer) throws(DatasetError) {
    if try buffer.fill(1), buffer.held[0] == 0x0A {
      advance(buffer, 1)
    } else if try buffer.fill(2), buffer.held[0] == 0x0D, buffer.held[1] == 0x0A {
      advance(buffer, 2)
    }
  }

  /// Text that cannot be cut is often no text at all.
  private func uncuttable(_ text: UnsafeRawBufferPointer) -> DatasetError {
    if let bad = firstInvalidUTF8(text.assumingMemoryBound(to: UInt8.self)), bad + 4 <= text.count {
      return .invalidUTF8(location: position.location(in: files, byte: bad))
    }
    return .noPlaceToCut(location: position.location(in: files), limit: settings.documentLimit)
  }

  // MARK: - Pieces

  private func prefix(of buffer: InputBuffer, _ count: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: buffer.held.prefix(count))
  }

  private func advance(_ buffer: InputBuffer, _ count: Int) {
    buffer.advance(count)
    position.offset += count
  }

  private func add(_ bytes: UnsafeRawBufferPointer, isFirst: Bool, isLast: Bool, to batch: inout RawBatch) {
    let first = batch.bytes.count
    batch.bytes.append(contentsOf: bytes)
    var piece = RawBatch.Piece(
      bytes: first..<batch.bytes.count, position: position, isFirst: isFirst, isLast: isLast)
    if settings.hashesText, !(isFirst && isLast) {
      if isFirst { textHash = SHA256() }
      textHash.update(bytes)
      if isLast { piece.hash = TextHash(textHash) }
    }
    batch.pieces.append(piece)
  }

  private func addFailure(_ failure: DatasetError, to batch: inout RawBatch) {
    let here = batch.bytes.count
    batch.pieces.append(
      RawBatch.Piece(
        bytes: here..<here, position: position, isFirst: position.documentBytes == 0, isLast: true, failure: failure))
  }
}
