import Files

extension PyTorchFile {
  /// torch/serialization.py, `MAGIC_NUMBER` and `PROTOCOL_VERSION`.
  private static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
  private static let version = 1001
  /// What the pickles before the object take is less than 100.
  private static let headLimit = 1000

  /// The form before PyTorch 1.6: pickles of a magic number, a version, the machine, the object and the storages' keys, and
  /// then, in the order of the keys, each storage's number of elements and the elements.
  /// (torch/serialization.py, `_legacy_save`.)
  init(legacy file: MappedFile) throws(PyTorchFailure) {
    let found: (pickle: Pickle, dataStart: Int, places: [String: LegacyPlace]) =
      try file.withBytes { bytes throws(PyTorchFailure) in
        let magic = try PickleMachine.run(bytes, operations: PyTorchFile.headLimit)
        guard case .long(PyTorchFile.magic) = magic.root else {
          throw .damaged("it is a pickle, but none that torch.save has written")
        }
        let version = try PickleMachine.run(bytes, at: magic.end, operations: PyTorchFile.headLimit)
        guard case .integer(PyTorchFile.version) = version.root else {
          throw .damaged("it has another version than \(PyTorchFile.version), the only one there has been")
        }
        let machine = try PickleMachine.run(bytes, at: version.end, operations: PyTorchFile.headLimit)
        guard case .bool(true)? = machine.member("little_endian", of: machine.root) else {
          throw .damaged("its numbers are big-endian; save it on a little-endian machine")
        }
        let object = try PickleMachine.run(bytes, at: machine.end)
        let keys = try PickleMachine.run(bytes, at: object.end)
        let places = try PyTorchFile.places(object, keys, bytes)
        return (object, keys.end, places)
      }
    format = .legacyPyTorch
    pickle = found.pickle
    header = 0..<found.dataStart
    place = { storage throws(PyTorchFailure) in
      guard let place = found.places[storage.key] else {
        throw .damaged("its storage \(quoted(storage.key)) is missing")
      }
      guard place.count == storage.count, place.elementSize == storage.elementSize else {
        throw .damaged("its storage \(quoted(storage.key)) is said to be of two sizes")
      }
      let part = storage.view ?? 0..<storage.count
      let start = place.start + part.lowerBound * place.elementSize
      let region = FileRegion(file: file, range: start..<start + part.count * place.elementSize)
      return Place(storage: region, offset: start, count: part.count)
    }
  }

  private struct LegacyPlace {
    let start: Int
    let count: Int
    let elementSize: Int
  }

  private static func places(
    _ object: Pickle, _ keys: Pickle, _ bytes: UnsafeRawBufferPointer
  ) throws(PyTorchFailure) -> [String: LegacyPlace] {
    guard case .list(let place) = keys.root else { throw .damaged("its storages have no list of keys") }
    var elementSizes: [String: Int] = [:]
    for storage in object.storages { elementSizes[storage.key] = storage.elementSize }
    var places: [String: LegacyPlace] = [:]
    var position = keys.end
    for key in keys.items[place] {
      guard case .string(let key) = key, let elementSize = elementSizes[key] else {
        throw .damaged("it stores something that nothing refers to")
      }
      var cursor = PickleCursor(bytes, at: position)
      guard cursor.remaining >= 8 else { throw .damaged("it is cut off; copy or download it again") }
      let count = Int(try cursor.integer(Int64.self))
      let (size, overflow) = count.multipliedReportingOverflow(by: elementSize)
      guard count >= 0, !overflow, size <= cursor.remaining else {
        throw .damaged(
          "its storage \(quoted(key)) of \(count) elements ends outside the file: it is cut off or damaged; "
            + "copy or download it again")
      }
      let place = LegacyPlace(start: cursor.position, count: count, elementSize: elementSize)
      guard places.updateValue(place, forKey: key) == nil else {
        throw .damaged("its storage \(quoted(key)) is there twice")
      }
      position = cursor.position + size
    }
    return places
  }
}
