import Files

/// The beginning of a safetensors file: its length as a little-endian UInt64, then a JSON object that gives each
/// tensor's type, shape and place. (huggingface/safetensors, README "Format", and the checks of `Metadata::validate`.)
struct SafetensorsHeader {
  struct Entry {
    let tensor: TensorDescription
    /// In bytes from the file's beginning.
    let range: Range<Int>
  }

  /// The reference's limit.
  private static let longest = 100_000_000
  /// PyTorch's limit.
  private static let mostDimensions = 64
  private static let lengthSize = 8
  private static let metadataKey = "__metadata__"

  let metadata: [String: String]
  /// In the order of their elements.
  let entries: [Entry]
  /// With the length in front.
  let byteCount: Int

  /// Reads and checks the header of a file: every tensor lies in the file, no two overlap, no byte is left over.
  /// - Throws: `CheckpointError.malformed`, `.malformedTensor`.
  init(_ file: UnsafeRawBufferPointer, path: String) throws(CheckpointError) {
    guard file.count >= SafetensorsHeader.lengthSize else {
      throw .malformed(path: path, reason: "it has \(file.count) bytes, too few for a header")
    }
    let length = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
    guard length <= SafetensorsHeader.longest else {
      throw .malformed(path: path, reason: "its first 8 bytes are no length of a header")
    }
    byteCount = SafetensorsHeader.lengthSize + Int(length)
    guard byteCount <= file.count else {
      throw .malformed(path: path, reason: "it ends after \(file.count) bytes, inside its header of \(byteCount) bytes")
    }
    let text = UnsafeRawBufferPointer(rebasing: file[SafetensorsHeader.lengthSize..<byteCount])
    let root: JSON
    do { root = try JSON(parsing: text, duplicateKeys: .refused) } catch {
      throw .malformed(path: path, reason: "header: \(error)")
    }
    guard let members = root.object else { throw .malformed(path: path, reason: "its header is no JSON object") }
    var metadata: [String: String] = [:]
    var entries: [Entry] = []
    entries.reserveCapacity(members.count)
    for (name, value) in members {
      if name == SafetensorsHeader.metadataKey {
        metadata = try SafetensorsHeader.metadata(value, path: path)
      } else {
        entries.append(try SafetensorsHeader.entry(name, value, dataStart: byteCount, end: file.count, path: path))
      }
    }
    self.metadata = metadata
    self.entries = try SafetensorsHeader.inOrder(entries, dataStart: byteCount, end: file.count, path: path)
  }

  private static func metadata(_ value: JSON, path: String) throws(CheckpointError) -> [String: String] {
    guard let members = value.object else { throw .malformed(path: path, reason: "__metadata__ is no JSON object") }
    var metadata: [String: String] = [:]
    for (key, value) in members {
      guard let text = value.string else { throw .malformed(path: path, reason: "__metadata__ holds more than texts") }
      metadata[key] = text
    }
    return metadata
  }

  private static func entry(
    _ name: String, _ value: JSON, dataStart: Int, end: Int, path: String
  ) throws(CheckpointError) -> Entry {
    func wrong(_ reason: String) -> CheckpointError { .malformedTensor(path: path, tensor: name, reason: reason) }
    guard let typeName = value["dtype"]?.string else { throw wrong("'dtype' is missing or no text") }
    guard let type = ElementType(rawValue: typeName) else { throw wrong("type '\(typeName.prefix(20))' is not known") }
    guard let shape = sizes(value["shape"]) else { throw wrong("'shape' is missing or not a list of sizes") }
    guard shape.count <= mostDimensions else {
      throw wrong("\(shape.count) dimensions, expected at most \(mostDimensions)")
    }
    guard let offsets = sizes(value["data_offsets"]), offsets.count == 2 else {
      throw wrong("'data_offsets' is missing or not a beginning and an end")
    }
    guard let bytes = TensorDescription.byteCount(of: shape, elementSize: type.size) else {
      throw wrong("shape \(shape) is larger than any memory")
    }
    guard offsets[0] <= offsets[1] else {
      throw wrong("begins at byte \(offsets[0]) and ends before, at \(offsets[1])")
    }
    guard offsets[1] - offsets[0] == bytes else {
      throw wrong("\(typeName) of shape \(shape) takes \(bytes) bytes, but \(offsets[1] - offsets[0]) are given")
    }
    guard offsets[1] <= end - dataStart else {
      throw wrong(
        "ends at byte \(offsets[1]) of the data, but the file ends at \(end - dataStart): it is cut off or damaged")
    }
    return Entry(
      tensor: TensorDescription(name: name, type: type, shape: shape),
      range: dataStart + offsets[0]..<dataStart + offsets[1])
  }

  private static func sizes(_ value: JSON?) -> [Int]? {
    guard let values = value?.array else { return nil }
    let sizes = values.compactMap { value in value.integer.flatMap { $0 >= 0 ? $0 : nil } }
    return sizes.count == values.count ? sizes : nil
  }

  private static func inOrder(
    _ entries: [Entry], dataStart: Int, end: Int, path: String
  ) throws(CheckpointError) -> [Entry] {
    let ordered = entries.enumerated().sorted {
      ($0.element.range.lowerBound, $0.element.range.upperBound, $0.offset)
        < ($1.element.range.lowerBound, $1.element.range.upperBound, $1.offset)
    }.map(\.element)
    var covered = dataStart
    for entry in ordered {
      guard entry.range.lowerBound >= covered else {
        throw .malformedTensor(path: path, tensor: entry.tensor.name, reason: "shares bytes with another tensor")
      }
      guard entry.range.lowerBound == covered else {
        throw .malformedTensor(
          path: path, tensor: entry.tensor.name,
          reason: "the \(entry.range.lowerBound - covered) bytes before it belong to no tensor")
      }
      covered = entry.range.upperBound
    }
    guard covered == end else {
      throw .malformed(path: path, reason: "\(end - covered) bytes after the last tensor belong to no tensor")
    }
    return ordered
  }

  /// The header of a file that holds these tensors one after the other, byte for byte as the reference library writes
  /// it.
  static func serialized(_ tensors: [TensorDescription], metadata: [String: String]) -> String {
    var members: [String] = []
    if !metadata.isEmpty {
      let texts = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      let pairs = texts.map { "\(quoted($0.key)):\(quoted($0.value))" }
      members.append("\(quoted(metadataKey)):{\(pairs.joined(separator: ","))}")
    }
    var offset = 0
    for tensor in tensors {
      let type = tensor.type.rawValue
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      let end = offset + tensor.byteCount
      members.append(
        #"\#(quoted(tensor.name)):{"dtype":"\#(type)","shape":[\#(shape)],"data_offsets":[\#(offset),\#(end)]}"#)
      offset = end
    }
    let text = "{\(members.joined(separator: ","))}"
    // The elements begin at a multiple of 8 bytes.
    return text + String(repeating: " ", count: (8 - text.utf8.count % 8) % 8)
  }

  private static func quoted(_ text: String) -> String { JSON.string(text).serialized() }
}
