import ArgumentParser
import Files
import Foundation
import Inheritance
import Models

struct InheritCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inherit",
    abstract: "The first k blocks of a large model become a small one.",
    discussion: """
      SOURCE is a Hugging Face directory, one weights file, or a hub id that is in the local Hugging Face cache.

        inheritune inherit openlm-research/open_llama_3b --layers 13
        inheritune inherit ./gpt2-medium ./child --layers 0-5,20-23 --dtype bfloat16
      """)

  @Argument(help: "The reference model.")
  var source = "openlm-research/open_llama_3b"

  @Argument(help: ArgumentHelp("The new model's directory; ./<name>-<k>layers by default.", valueName: "destination"))
  var destination: String?

  @Option(
    help: ArgumentHelp(
      "13: the first 13 blocks. 0-12, 0,2,4, 0-5,20-25: exactly those (from 0, ranges inclusive).", valueName: "spec"))
  var layers: String

  @Option(
    help: ArgumentHelp(
      """
      all, or a list of attention, mlp, norms, embeddings, positions, final-norm, head; the rest is initialised anew. \
      published: what the paper's published code copied, blocks and head (and what is tied to it).
      """,
      valueName: "list"))
  var parts = "all"

  @Option(help: ArgumentHelp("Seed of what is initialised anew.", valueName: "n"))
  var seed: UInt64 = 1337

  @OptionGroup var weights: WeightsOptions

  @Flag(help: "Print the plan and write nothing.")
  var dryRun = false

  @Flag(help: "Record the SHA-256 of the source's whole contents, not only of its headers.")
  var checksum = false

  @Flag(help: "Replace the model directory that has the destination's name.")
  var force = false

  @Flag(help: "One JSON object instead of prose.")
  var json = false

  @OptionGroup var model: ModelOptions

  func validate() throws { _ = try partSet() }

  private func partSet() throws -> Set<ModelPart> {
    if parts == "all" { return Set(ModelPart.allCases) }
    if parts == "published" { return ModelPart.published }
    return Set(
      try parts.split(separator: ",", omittingEmptySubsequences: false).map { name in
        guard let part = ModelPart(rawValue: name.trimmingCharacters(in: .whitespaces)) else {
          throw ValidationError(
            "--parts: '\(name)' is no part; expected all, published, or some of "
              + ModelPart.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return part
      })
  }

  func run() throws {
    Signals.install()
    let progress = ProgressLine()
    let reference = try model.open(source)
    var options = SliceOptions(layers: try LayerPlan(layers, layerCount: reference.model.layerCount))
    options.parts = try partSet()
    options.seed = seed
    weights.apply(to: &options)
    options.hashesContents = checksum
    let slice = try Slice(reference, options: options)
    let destination = destination ?? defaultDestination(slice)
    let repeated = options.layers.repeated
    if !repeated.isEmpty {
      progress.print("note: taken more than once: block \(repeated.map(String.init).joined(separator: ", "))")
    }
    slice.noteMissingTokenizer(progress)
    if dryRun { return report(slice, destination: destination, seconds: nil) }
    try slice.write(to: destination, replacing: force, as: "inherit", progress)
    report(slice, destination: destination, seconds: progress.seconds)
  }

  private func defaultDestination(_ slice: Slice) -> String {
    // "." and ".." have a name, too.
    var name = URL(fileURLWithPath: source).standardizedFileURL.lastPathComponent
    for suffix in [".index.json", ".safetensors", ".bin", ".pt", ".pth", ".h5", ".ckpt"] where name.hasSuffix(suffix) {
      name.removeLast(suffix.count)
    }
    return "./\(name)-\(slice.model.layerCount)layers"
  }

  private func report(_ slice: Slice, destination: String, seconds: Double?) {
    let reference = slice.source.model
    let fresh = slice.tensors.filter { $0.source == nil }
    if json { return print(JSON.object(object(slice, destination: destination, seconds: seconds)).serialized()) }
    if seconds == nil {
      print(
        Format.table(
          [["tensor", "shape", "type", "bytes", "from"]]
            + slice.tensors.map { tensor in
              [
                tensor.name, tensor.shape.map(String.init).joined(separator: " x "), tensor.type.rawValue,
                Format.count(tensor.byteCount), tensor.source ?? "initialised anew (seed \(seed))",
              ]
            }))
      print()
    }
    print(
      "blocks      \(slice.options.layers) of \(reference.layerCount) (\(Format.count(slice.model.layerCount, "block")))"
    )
    print(
      "parameters  \(Format.count(reference.parameterCount)) -> \(Format.count(slice.model.parameterCount))"
        + " (\(Format.large(slice.model.parameterCount)))")
    if !fresh.isEmpty { print("fresh       \(fresh.count) of \(slice.tensors.count) tensors, seed \(seed)") }
    let time = seconds.map { ", \(Format.duration($0))" } ?? " (dry run: nothing is written)"
    print("written     \(destination), \(Format.bytes(slice.byteCount))\(time)")
  }

  private func object(_ slice: Slice, destination: String, seconds: Double?) -> JSONObject {
    [
      "source": .string(source), "destination": .string(destination),
      "layers": .array(slice.options.layers.layers.map { .integer(Int64($0)) }),
      "parameters_before": .integer(Int64(slice.source.model.parameterCount)),
      "parameters_after": .integer(Int64(slice.model.parameterCount)), "bytes": .integer(Int64(slice.byteCount)),
      "seconds": seconds.map(JSON.number) ?? .null,
      "tensors": .array(
        slice.tensors.map { tensor in
          .object([
            "name": .string(tensor.name), "shape": .array(tensor.shape.map { .integer(Int64($0)) }),
            "dtype": .string(tensor.type.rawValue), "source": tensor.source.map(JSON.string) ?? .null,
          ])
        }),
    ]
  }
}
