import ArgumentParser
import Checkpoints
import Files
import Models

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Tensors, shapes, types and sizes of a checkpoint, as it is stored; no tensor is read.",
    discussion: """
        inheritune inspect ./open_llama_3b-13layers
        inheritune inspect out/ckpt.pt
      """)

  @Argument(help: "A model directory, weights file or hub id.")
  var path: String

  @Flag(help: "One JSON object instead of a table.")
  var json = false

  func run() throws {
    let checkpoint = try ModelLocation(path).openCheckpoint()
    let model = InspectedModel(path)
    print(json ? JSON.object(object(checkpoint, model)).serialized() : text(checkpoint, model))
  }

  private func object(_ checkpoint: any CheckpointReader, _ model: InspectedModel) -> JSONObject {
    var metadata = JSONObject()
    for (key, value) in checkpoint.metadata.sorted(by: { $0.key < $1.key }) { metadata[key] = .string(value) }
    return [
      "path": .string(path), "format": .string(checkpoint.format.rawValue),
      "files": .array(checkpoint.files.map(JSON.string)), "metadata": .object(metadata),
      "settings": .object(checkpoint.settings), "model": model.json,
      "parameters": .integer(Int64(checkpoint.elementCount)), "bytes": .integer(Int64(checkpoint.byteCount)),
      "tensors": .array(
        checkpoint.tensors.map { tensor in
          .object([
            "name": .string(tensor.name), "dtype": .string(tensor.type.rawValue),
            "shape": .array(tensor.shape.map { .integer(Int64($0)) }), "bytes": .integer(Int64(tensor.byteCount)),
          ])
        }),
    ]
  }

  private func text(_ checkpoint: any CheckpointReader, _ model: InspectedModel) -> String {
    let tensors = checkpoint.tensors
    let rows = tensors.map { tensor in
      [
        Format.printable(tensor.name), tensor.type.rawValue,
        tensor.shape.isEmpty ? "scalar" : tensor.shape.map(String.init).joined(separator: " x "),
        Format.count(tensor.byteCount),
      ]
    }
    let metadata = checkpoint.metadata.sorted { $0.key < $1.key }.map { key, value in
      "\(Format.printable(key)): \(Format.printable(value))"
    }
    let elements = checkpoint.elementCount
    let size =
      "\(Format.count(tensors.count, "tensor")), \(Format.count(elements, "element")) (\(Format.large(elements))), "
      + "\(Format.bytes(checkpoint.byteCount)) in \(Format.count(checkpoint.files.count, "file"))"
    let lines = [Format.table([["tensor", "type", "shape", "bytes"]] + rows), ""] + metadata + [size]
    return (lines + ["format      \(checkpoint.format.rawValue)"] + model.lines).joined(separator: "\n")
  }
}

/// The model that a checkpoint is, or why it is none.
private enum InspectedModel {
  case model(Model, dialect: String?)
  case none(reason: String)

  init(_ path: String) {
    do {
      let source = try ModelSource(path)
      _ = try source.model.weights.match(source.checkpoint)
      self = .model(source.model, dialect: source.dialect)
    } catch {
      self = .none(reason: "\(error)")
    }
  }

  var lines: [String] {
    switch self {
    case .model(let model, let dialect):
      ["names       \(dialect ?? "Hugging Face")", "model       \(model.summary)"]
    case .none(let reason): ["model       not known: \(Format.printable(reason))"]
    }
  }

  var json: JSON {
    switch self {
    case .model(let model, let dialect):
      .object([
        "model_type": .string(model.modelType), "names": .string(dialect ?? "Hugging Face"),
        "layers": .integer(Int64(model.layerCount)), "parameters": .integer(Int64(model.parameterCount)),
      ])
    case .none(let reason): .object(["error": .string(reason)])
    }
  }
}

extension Model {
  /// "gpt2, 12 blocks, 124,439,808 parameters (124.4M)".
  var summary: String {
    "\(modelType), \(Format.count(layerCount, "block")), \(Format.count(parameterCount, "parameter")) "
      + "(\(Format.large(parameterCount)))"
  }
}

extension CheckpointReader {
  fileprivate var elementCount: Int { tensors.reduce(0) { $0 + $1.elementCount } }
  fileprivate var byteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }
}
