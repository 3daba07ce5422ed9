import CPUBackend
import Files
import Glibc
import Tensors

/// kernels [products | attention | passes] [OPTIONS]
///
/// The CPU's kernels on the shapes of a training step, each by itself. Without a section all three: matrix products by
/// every library that is installed, attention, and what is bounded by memory, beside what memory allows.
@main
struct Main {
  static let usage = """
    usage: kernels [products | attention | passes] [OPTIONS]

      --family gpt2|llama  --layers 12  --width 768  --heads 12  --feed-forward 3072  --vocabulary 50257
      --batch 4  --length 256      of the step
      --threads N                  all cores by default
      --json
    """

  static func main() throws {
    guard let options = Options(CommandLine.arguments.dropFirst()) else {
      print(usage)
      exit(64)
    }
    var report: JSONObject = ["threads": .integer(Int64(options.threads))]
    var text: [String] = []
    for section in options.sections {
      let found: Section
      switch section {
      case .products: found = try ProductBenchmark(options).run()
      case .attention: found = try AttentionBenchmark(options).run()
      case .passes: found = try PassBenchmark(options).run()
      }
      for (key, value) in found.json { report[key] = value }
      text.append(found.text)
    }
    print(options.json ? JSON.object(report).serialized() : text.joined(separator: "\n\n"))
  }
}

/// What a section found.
struct Section {
  var text: String
  var json: JSONObject
}
