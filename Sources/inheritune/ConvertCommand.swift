import ArgumentParser
import Files
import Inheritance
import Models

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "The same weights in another format, under Hugging Face's names.",
    discussion: """
      SOURCE is whatever inherit takes: a Hugging Face directory, one weights file (.safetensors, .bin, .pt, .pth, .h5), \
      nanoGPT's ckpt.pt, lit-gpt's lit_model.pth, llama2.c's .bin, or a hub id that is in the local Hugging Face cache.

        inheritune convert out/ckpt.pt ./gpt2-nano
        inheritune convert ./open_llama_3b ./open_llama_3b-h5 --format hdf5
      """)

  @Argument(help: "The model.")
  var source: String

  @Argument(help: "The new model's directory.")
  var destination: String

  @OptionGroup var weights: WeightsOptions

  @Flag(help: "Replace the model directory that has the destination's name.")
  var force = false

  @Flag(help: "One JSON object instead of prose.")
  var json = false

  @OptionGroup var model: ModelOptions

  func run() throws {
    Signals.install()
    let progress = ProgressLine()
    let reference = try model.open(source)
    let layerCount = reference.model.layerCount
    var options = SliceOptions(layers: try LayerPlan(String(layerCount), layerCount: layerCount))
    weights.apply(to: &options)
    let slice = try Slice(reference, options: options)
    slice.noteMissingTokenizer(progress)
    try slice.write(to: destination, replacing: force, as: "convert", progress)
    report(slice, seconds: progress.seconds)
  }

  private func report(_ slice: Slice, seconds: Double) {
    let source = slice.source
    if json {
      let object: JSONObject = [
        "source": .string(self.source), "destination": .string(destination),
        "dialect": source.dialect.map(JSON.string) ?? .null, "model_type": .string(slice.model.modelType),
        "parameters": .integer(Int64(slice.model.parameterCount)), "tensors": .integer(Int64(slice.tensors.count)),
        "bytes": .integer(Int64(slice.byteCount)), "seconds": .number(seconds),
      ]
      return print(JSON.object(object).serialized())
    }
    print("model       \(slice.model.summary)")
    if let dialect = source.dialect { print("names       \(dialect)'s -> Hugging Face's") }
    print("written     \(destination), \(Format.bytes(slice.byteCount)), \(Format.duration(seconds))")
  }
}
