/// A place in the input: enough to name it in an error, and to go on from there.
struct InputPosition: Equatable, Sendable {
  /// Index into the input files.
  var file = 0
  /// Bytes of the file's uncompressed text before this point.
  var offset = 0
  /// Lines of the file before this point (.jsonl only).
  var line = 0
  /// Documents of all files before the one that begins here, or is open here. Bad and empty documents count, blank lines
  /// do not: so the number needs no parsing.
  var document = 0
  /// Bytes of the open document before this point; 0 between documents.
  var documentBytes = 0
}

extension InputPosition {
  /// `file:line` of a JSON line; `file, byte N` of text, N counting from 0 in the uncompressed text.
  func location(in files: [InputFile], byte: Int = 0) -> String {
    let path = files[file].path
    return files[file].form == .jsonLines ? "\(path):\(line + 1)" : "\(path), byte \(offset + byte)"
  }
}
