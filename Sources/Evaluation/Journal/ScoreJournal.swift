import Files

/// The scores of an evaluation that is not finished, in a file: a run that was killed goes on from them.
///
/// The first line says, as JSON, whose scores these are. Then comes a record of 48 bytes for each scored request:
///
///     key             32  SHA-256 of the number of scored tokens (UInt32) and all token ids (Int32), little-endian
///     log-probability  8  float64, little-endian
///     greedy           4  UInt32, little-endian: 0 or 1
///     check            4  first word of the SHA-256 of the 44 bytes before
///
/// A record whose check is wrong is left out, and its request scored again.
public final class ScoreJournal {
  /// Names a request by its tokens.
  typealias Key = SIMD8<UInt32>

  /// In the directory of the results.
  public static let fileName = "scores.journal"
  private static let format = "inheritune scores 1"
  private static let recordSize = 48

  private let file: RecordFile
  /// Records that were left out because they are damaged.
  public private(set) var damagedCount = 0

  public var path: String { file.path }

  /// Opens a journal, or begins one.
  /// - Parameters:
  ///   - identity: everything that a score depends on besides the request's tokens: weights, precision, device.
  ///   - replacesOthers: whether a journal with another identity, or a file that is none, is begun anew.
  /// - Throws: `EvaluationError.otherJournal` for such a file otherwise; `FileError`.
  public init(_ path: String, identity: JSONObject, replacesOthers: Bool) throws {
    file = try RecordFile(path, recordSize: Self.recordSize)
    var header: JSONObject = ["format": .string(Self.format)]
    for (key, value) in identity { header[key] = value }
    let line = Array(JSON.object(header).serialized().utf8)
    let found = try file.readHeader()
    if found == line {
      try file.resume()
      return
    }
    if let found, !replacesOthers {
      let difference = Self.difference(found, header)
      // Nothing is lost with a journal that holds no score.
      guard try difference.isOwn && file.recordCount() == 0 else {
        throw EvaluationError.otherJournal(path: path, difference: difference.text)
      }
    }
    try file.start(header: line)
  }

  /// What a header has otherwise, in words, and whether it is one of this program's.
  private static func difference(_ found: [UInt8], _ expected: JSONObject) -> (text: String, isOwn: Bool) {
    let object: JSONObject?
    do { object = try found.withUnsafeBytes { try JSON(parsing: $0).object } } catch { object = nil }
    guard let object, object["format"] == expected["format"] else {
      return ("it is no journal of this program's", false)
    }
    let keys = expected.map(\.key).filter { object[$0] != expected[$0] }
    let others = keys.isEmpty ? "" : " (other \(keys.joined(separator: ", ")))"
    return ("its scores are of another evaluation\(others)", true)
  }

  /// Hashes what a request's score depends on.
  static func key(of request: ScoreRequest) -> Key {
    var hash = SHA256()
    withUnsafeBytes(of: UInt32(request.continuation.count).littleEndian) { hash.update($0) }
    // Tokens are little-endian in memory wherever this runs.
    request.context.withUnsafeBytes { hash.update($0) }
    request.continuation.withUnsafeBytes { hash.update($0) }
    return hash.digest()
  }

  /// Calls `body` with each record, in the order they were written.
  /// - Throws: `FileError`.
  func read(_ body: (Key, Score) -> Void) throws {
    try file.forEachRecord { record in
      let greedy = UInt32(littleEndian: record.loadUnaligned(fromByteOffset: 40, as: UInt32.self))
      let check = UInt32(littleEndian: record.loadUnaligned(fromByteOffset: 44, as: UInt32.self))
      guard greedy <= 1, check == Self.check(UnsafeRawBufferPointer(rebasing: record[..<44])) else {
        damagedCount += 1
        return
      }
      var key = Key()
      for word in 0..<8 {
        key[word] = UInt32(littleEndian: record.loadUnaligned(fromByteOffset: 4 * word, as: UInt32.self))
      }
      let bits = UInt64(littleEndian: record.loadUnaligned(fromByteOffset: 32, as: UInt64.self))
      body(key, Score(logProbability: Double(bitPattern: bits), isGreedy: greedy == 1))
    }
  }

  /// Adds a score; the system has it a fraction of a second of work later.
  func append(_ key: Key, _ score: Score) throws {
    try withUnsafeTemporaryAllocation(byteCount: Self.recordSize, alignment: 8) { record in
      for word in 0..<8 { record.storeBytes(of: key[word].littleEndian, toByteOffset: 4 * word, as: UInt32.self) }
      record.storeBytes(of: score.logProbability.bitPattern.littleEndian, toByteOffset: 32, as: UInt64.self)
      record.storeBytes(of: UInt32(score.isGreedy ? 1 : 0).littleEndian, toByteOffset: 40, as: UInt32.self)
      let check = Self.check(UnsafeRawBufferPointer(rebasing: record[..<44]))
      record.storeBytes(of: check.littleEndian, toByteOffset: 44, as: UInt32.self)
      try file.append(UnsafeRawBufferPointer(record))
    }
  }

  private static func check(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var hash = SHA256()
    hash.update(bytes)
    return hash.digest()[0]
  }

  /// What was appended survives the end of this process.
  public func flush() throws { try file.flush() }

  /// Removes the file, once its scores are in the results.
  public func remove() throws { try FileTree.remove(file.path) }
}
