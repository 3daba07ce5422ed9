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
    let hashes = options.hashesContents ? try contentHashes(progress: progress) : []
    let files = try checkpoint.files.enumerated().map { index, path in
      let name = path.split(separator: "/").last.map(String.init) ?? path
      var entry: JSONObject = ["name": .string(name), "bytes": .integer(Int64(try MappedFile(path).count))]
      if let header = checkpoint.header(of: path) {
        var hash = SHA256()
        hash.update(header)
        entry["header_sha256"] = .string(hash.hexDigest())
      }
      if options.hashesContents { entry["sha256"] = .string(hashes[index]) }
      return JSON.object(entry)
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

  /// SHA-256 of each of the source's files. They pass through a buffer, and not through this process' memory map.
  private func contentHashes(progress: (Int) throws -> Void) throws -> [String] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 22, alignment: 4096)
    defer { buffer.deallocate() }
    return try source.checkpoint.files.map { path in
      let file = try MappedFile(path)
      var hash = SHA256()
      for start in stride(from: 0, to: file.count, by: buffer.count) {
        let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, file.count - start)])
        try file.read(at: start, into: piece)
        hash.update(UnsafeRawBufferPointer(piece))
        try progress(piece.count)
      }
      return hash.hexDigest()
    }
  }
}
