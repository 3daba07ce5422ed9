/// `bad-lines.txt`: the place of every document that was left out because it could not be read, and why; one a line.
final class BadLineList {
  static let fileName = "bad-lines.txt"

  private let path: String
  // There is no file before there is a bad line.
  private var file: PartialFile?

  /// - Parameter bytes: how much of an earlier list to keep.
  init(_ path: String, keeping bytes: Int) throws(DatasetError) {
    self.path = path
    if bytes > 0 { file = try PartialFile(path, keeping: bytes) }
  }

  var bytes: Int { file?.count ?? 0 }

  func append(_ failure: DatasetError) throws(DatasetError) {
    let file: PartialFile
    if let opened = self.file { file = opened } else { file = try PartialFile(path, keeping: 0) }
    self.file = file
    // A name can hold line breaks.
    var line = failure.description.utf8.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }
    line.append(UInt8(ascii: "\n"))
    let result = line.withUnsafeBytes { bytes -> Result<Void, DatasetError> in
      do throws(DatasetError) { return .success(try file.append(bytes)) } catch { return .failure(error) }
    }
    try result.get()
  }

  func sync() throws(DatasetError) { try file?.sync() }
}
