import Files

/// A checkpoint of llama2.c in its first form ("version 0", the `.bin` files that run.c reads): seven little-endian Int32 and
/// then float32 tensors, every kind stacked over the blocks (karpathy/llama2.c, export.py `legacy_export`).
///
/// The format has no magic number: a file is one when its size is exactly what its header asks for.
struct Llama2CFile: CheckpointReader {
  let tensors: [TensorDescription]
  let settings: JSONObject
  private let file: MappedFile
  private let places: [String: (tensor: TensorDescription, range: Range<Int>)]

  /// Bytes of the seven numbers.
  private static let headerSize = 28

  /// Nil when the file is something else.
  init?(_ file: MappedFile) {
    guard file.count >= Llama2CFile.headerSize else { return nil }
    let numbers = file.withBytes { bytes in
      (0..<7).map { Int(Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self))) }
    }
    // A vocabulary below zero says that the head is a matrix of its own.
    let (width, feedForward, layers, heads) = (numbers[0], numbers[1], numbers[2], numbers[3])
    let (kvHeads, vocabulary, context) = (numbers[4], abs(numbers[5]), numbers[6])
    guard [width, feedForward, layers, heads, kvHeads, vocabulary, context].allSatisfy({ $0 > 0 }), width % heads == 0,
      kvHeads <= heads
    else { return nil }
    let headDimension = width / heads
    let sharesHead = numbers[5] > 0
    let shapes: [(String, [Int])] =
      [
        ("token_embedding_table", [vocabulary, width]), ("rms_att_weight", [layers, width]),
        ("wq", [layers, width, width]), ("wk", [layers, kvHeads * headDimension, width]),
        ("wv", [layers, kvHeads * headDimension, width]), ("wo", [layers, width, width]),
        ("rms_ffn_weight", [layers, width]), ("w1", [layers, feedForward, width]),
        ("w2", [layers, width, feedForward]),
        ("w3", [layers, feedForward, width]), ("rms_final_weight", [width]),
        ("freq_cis_real", [context, headDimension / 2]), ("freq_cis_imag", [context, headDimension / 2]),
      ] + (sharesHead ? [] : [("wcls", [vocabulary, width])])

    var places: [String: (tensor: TensorDescription, range: Range<Int>)] = [:]
    var tensors: [TensorDescription] = []
    var offset = Llama2CFile.headerSize
    for (name, shape) in shapes {
      guard let size = TensorDescription.byteCount(of: shape, elementSize: ElementType.float32.size) else { return nil }
      let (end, overflow) = offset.addingReportingOverflow(size)
      guard !overflow, end <= file.count else { return nil }
      let tensor = TensorDescription(name: name, type: .float32, shape: shape)
      places[name] = (tensor, offset..<end)
      tensors.append(tensor)
      offset = end
    }
    guard offset == file.count else { return nil }
    self.file = file
    self.tensors = tensors
    self.places = places
    settings = [
      "dim": .integer(Int64(width)), "hidden_dim": .integer(Int64(feedForward)), "n_layers": .integer(Int64(layers)),
      "n_heads": .integer(Int64(heads)), "n_kv_heads": .integer(Int64(kvHeads)),
      "vocab_size": .integer(Int64(vocabulary)), "seq_len": .integer(Int64(context)),
      "shared_classifier": .bool(sharesHead),
    ]
  }

  var path: String { file.path }
  var format: CheckpointFormat { .llama2C }
  var files: [String] { [file.path] }
  var metadata: [String: String] { [:] }

  func description(of name: String) -> TensorDescription? { places[name]?.tensor }

  func contents(of name: String) throws(CheckpointError) -> TensorContents {
    guard let place = places[name] else { throw .missingTensor(path: path, tensor: name) }
    return TensorContents(
      FileRegion(file: file, range: place.range), type: .float32,
      layout: StridedLayout(contiguous: place.tensor.shape))
  }

  func header(of path: String) -> UnsafeRawBufferPointer? {
    path == file.path ? UnsafeRawBufferPointer(rebasing: file.bytes[..<Llama2CFile.headerSize]) : nil
  }
}
