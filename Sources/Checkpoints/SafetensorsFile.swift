import Files

/// One safetensors file.
struct SafetensorsFile: CheckpointReader {
  let tensors: [TensorDescription]
  let metadata: [String: String]
  private let file: MappedFile
  private let headerSize: Int
  private let entries: [String: SafetensorsHeader.Entry]

  /// - Throws: `CheckpointError.malformed`, `.malformedTensor`, `.file`.
  init(_ file: MappedFile) throws(CheckpointError) {
    self.file = file
    let path = file.path
    let header = try SafetensorsHeader(file.bytes, path: path)
    tensors = header.entries.map(\.tensor)
    metadata = header.metadata
    headerSize = header.byteCount
    var entries: [String: SafetensorsHeader.Entry] = [:]
    entries.reserveCapacity(header.entries.count)
    for entry in header.entries {
      // The header's keys differ in their bytes, which still may be one name in Unicode.
      guard entries.updateValue(entry, forKey: entry.tensor.name) == nil else {
        throw .malformedTensor(path: path, tensor: entry.tensor.name, reason: "another tensor has this name")
      }
    }
    self.entries = entries
  }

  var path: String { file.path }
  var format: CheckpointFormat { .safetensors }
  var files: [String] { [file.path] }

  func description(of name: String) -> TensorDescription? { entries[name]?.tensor }

  func contents(of name: String) throws(CheckpointError) -> TensorContents {
    guard let entry = entries[name] else { throw .missingTensor(path: path, tensor: name) }
    return TensorContents(
      FileRegion(file: file, range: entry.range), type: entry.tensor.type,
      layout: StridedLayout(contiguous: entry.tensor.shape))
  }

  func header(of path: String) -> UnsafeRawBufferPointer? {
    path == file.path ? UnsafeRawBufferPointer(rebasing: file.bytes[..<headerSize]) : nil
  }
}
