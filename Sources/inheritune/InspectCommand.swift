import ArgumentParser
import Checkpoints
import Files

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Tensors, shapes, types and sizes of a checkpoint; no tensor is read.",
    discussion: """
        inheritune inspect ./open_llama_3b-13layers
      """)

  @Argument(help: "A model directory, weights file or hub id.")
  var path: String

  @Flag(help: "One JSON object instead of a table.")
  var json = false

  func run() throws {
    let checkpoint = try Checkpoint.open(ModelLocation.resolve(path))
    let tensors = checkpoint.tensors
    let elements = tensors.reduce(0) { $0 + $1.elementCount }
    let bytes = tensors.reduce(0) { $0 + $1.byteCount }
    if json {
      var metadata = JSONObject()
      for (key, value) in checkpoint.metadata.sorted(by: { $0.key < $1.key }) { metadata[key] = .string(value) }
      let object: JSONObject = [
        "path": .string(path), "files": .array(checkpoint.files.map(JSON.string)), "metadata": .object(metadata),
        "parameters": .integer(Int64(elements)), "bytes": .integer(Int64(bytes)),
        "tensors": .array(
          tensors.map { tensor in
            .object([
              "name": .string(tensor.name), "dtype": .string(tensor.type.rawValue),
              "shape": .array(tensor.shape.map { .integer(Int64($0)) }), "bytes": .integer(Int64(tensor.byteCount)),
            ])
          }),
      ]
      return print(JSON.object(object).serialized())
    }
    print(
      Format.table(
        [["tensor", "type", "shape", "bytes"]]
          + tensors.map {
            [
              Format.printable($0.name), $0.type.rawValue,
              $0.shape.isEmpty ? "scalar" : $0.shape.map(String.init).joined(separator: " x "),
              Format.count($0.byteCount),
            ]
          }))
    print()
    for (key, value) in checkpoint.metadata.sorted(by: { $0.key < $1.key }) {
      print("\(Format.printable(key)): \(Format.printable(value))")
    }
    print(
      "\(Format.count(tensors.count, "tensor")), \(Format.count(elements, "element")) (\(Format.large(elements))), "
        + "\(Format.bytes(bytes)) in \(Format.count(checkpoint.files.count, "file"))")
  }
}
