import Checkpoints
import Files

/// Where a model comes from: inheritune.json beside its weights.
enum Provenance {
  static let fileName = "inheritune.json"

  /// - Parameter progress: told how many bytes of the source were hashed since the last call.
  /// - Throws: `FileError` when the source's files can no longer be read, and what `progress` throws.
  static func json(of slice: Slice, version: String, progress: (Int) throws -> Void) throws -> JSONObject {
    [
      "format": .string("inheritune-provenance"),
      "version": .string(version),
      "source": .object(try slice.sourceDescription(progress: progress)),
      "dtype": slice.options.type.map { .string($0.torchName) } ?? .string("keep"),
      "parameters": .integer(Int64(slice.model.parameterCount)),
    ]
  }
}

extension Slice {
  /// The source and what was taken of it, for provenance: name, sizes and hashes of its files, blocks, parts, seed.
  /// - Parameter progress: told how many bytes of the source's contents were hashed since the last call.
  /// - Throws: `FileError` when the source's files can no longer be read, and what `progress` throws.
  public func sourceDescription(progress: (Int) throws -> Void = { _ in }) throws -> JSONObject {
    let checkpoint = source.checkpoint
    let files = try checkpoint.files.map { path in
      let name = path.split(separator: "/").last.map(String.init) ?? path
      return try MappedFile(path).withBytes { bytes in
        var entry: JSONObject = ["name": .string(name), "bytes": .integer(Int64(bytes.count))]
        if let header = checkpoint.header(of: path) { entry["header_sha256"] = .string(try hash(header)) }
        if options.hashesContents { entry["sha256"] = .string(try hash(bytes, progress)) }
        return JSON.object(entry)
      }
    }
    let inherited = tensors.filter { $0.source != nil }.count
    return [
      "name": .string(source.name), "layers": .integer(Int64(source.model.layerCount)),
      "parameters": .integer(Int64(source.model.parameterCount)), "files": .array(files),
      "inherited_layers": .array(options.layers.layers.map { .integer(Int64($0)) }),
      "inherited_parts": .array(options.parts.map(\.rawValue).sorted().map(JSON.string)),
      "inherited_tensors": .integer(Int64(inherited)), "fresh_tensors": .integer(Int64(tensors.count - inherited)),
      "seed": .string(String(options.seed)),
    ]
  }

  private func hash(_ bytes: UnsafeRawBufferPointer, _ progress: (Int) throws -> Void = { _ in }) rethrows -> String {
    let piece = 1 << 24
    var hash = SHA256()
    for start in stride(from: 0, to: bytes.count, by: piece) {
      let part = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + piece, bytes.count)])
      hash.update(part)
      try progress(part.count)
    }
    return hash.hexDigest()
  }
}
