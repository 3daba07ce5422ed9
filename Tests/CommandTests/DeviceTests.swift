import Foundation
import Testing

/// Where a command computes: `--device`, and what it says where that is not to be had.
struct DeviceTests {
  @Test func unknownNames() throws {
    for name in ["gpu", "cuda:", "cuda:x", "cuda:-1"] {
      let outcome = try Command.run("plan", "x", "--device", name)
      #expect(outcome.status == 64 && outcome.errors.contains(name), "\(outcome)")
    }
  }

  @Test func whatMultiplies() throws {
    let folder = try Folder()
    try folder.writeRecipe()
    let recipe = folder.path + "/run.yaml"
    let unknown = try Command.run("plan", recipe, "--blas", "cublas")
    #expect(unknown.status == 64 && unknown.errors.contains("'onednn'"), "\(unknown)")
    let plain = try Command.run("plan", recipe, "--blas", "plain")
    #expect(plain.status == 0 && plain.output.contains("plain C)"), "\(plain)")

    // Not what they seem to be.
    for ending in [".so.3", ".so.2", ".so.1", ".so"] { try folder.write("libmkl_rt" + ending, "no library") }
    let library = ["LD_LIBRARY_PATH": folder.path]
    let absent = try Command.run("plan", recipe, "--blas", "mkl", environment: library)
    #expect(absent.status == 1 && absent.errors.contains("MKL cannot be used"), "\(absent)")
    #expect(absent.errors.contains("libmkl_rt.so.3") && absent.errors.contains("pip install mkl"), "\(absent)")
    #expect(absent.errors.split(separator: "\n").count == 1, "\(absent)")
    let doctor = try Command.run("doctor", "--json", environment: library)
    let object = try JSONSerialization.jsonObject(with: Data(doctor.output.utf8)) as? [String: Any]
    #expect((object?["mkl_missing"] as? String)?.contains("libmkl_rt.so.3") == true, "\(doctor)")
    #expect((object?["plain_gflops"] as? Double ?? 0) > 0 && object?["blas"] != nil, "\(doctor)")
    for blas in ["openblas", "onednn"] {
      #expect((object?[blas + "_gflops"] == nil) == (object?[blas + "_missing"] != nil), "\(doctor)")
    }
  }

  /// A library that is not used is not loaded: it would take time and memory.
  @Test func choicesAreRemembered() throws {
    let folder = try Folder()
    try folder.writeRecipe()
    // The loader says what it opens.
    let environment = ["XDG_CACHE_HOME": folder.path, "LD_DEBUG": "files"]
    func plan() throws -> Bool {
      let outcome = try Command.run(
        "plan", folder.path + "/run.yaml", "--threads", "1", environment: environment)
      #expect(outcome.status == 0, "\(outcome)")
      return outcome.errors.contains(/init: .*lib(openblas|dnnl|mkl_rt)/)
    }
    let file = "inheritune/matmul-libraries"
    guard try plan() else {
      #expect(!folder.exists(file))
      return
    }
    let chosen = try folder.read(file)
    _ = try plan()
    #expect(try folder.read(file) == chosen)
    try folder.write(file, chosen.replacing(/\t(openblas|onednn|mkl)\n/, with: "\tplain\n"))
    #expect(try !plan())
    #expect(try folder.read(file).contains("\tplain\n"))
  }

  @Test func noLibrary() throws {
    let folder = try Folder()
    try folder.writeRecipe()
    let library = folder.path + "/libnone.so"
    for arguments in [["--cuda-lib", library], []] {
      let outcome = try Command.start(
        ["plan", folder.path + "/run.yaml", "--device", "cuda"] + arguments,
        environment: ["INHERITUNE_CUDA_LIB": library]
      ).finish()
      #expect(outcome.status == 1 && outcome.errors.contains("libnone.so"), "\(outcome)")
      #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome)")
    }
    // Nobody who has no GPU is to hear of it.
    let auto = try Command.run("plan", folder.path + "/run.yaml")
    #expect(auto.status == 0 && auto.output.contains("CPU") && !auto.errors.contains("CUDA"), "\(auto)")
  }

  @Test func doctorSaysWhatIsMissing() throws {
    let outcome = try Command.run("doctor")
    #expect(outcome.status == 0 && outcome.output.contains("cuda missing"), "\(outcome)")
    let json = try Command.run("doctor", "--json")
    #expect(json.output.contains("\"cuda_missing\""), "\(json)")
  }

  /// The whole way, from the option to the kernels, on a GPU that is emulated: the library that is opened has the
  /// kernels of libinheritune_cuda.so.
  @Test func emulatedGPU() throws {
    let library = URL(fileURLWithPath: Command.path).deletingLastPathComponent()
      .appendingPathComponent("libinheritune_cuda_emulated.so").path
    let folder = try Folder()
    try folder.prepare(steps: 4)
    let recipe = folder.path + "/run.yaml"
    func run(_ arguments: [String], graphs: Bool = true) throws -> Command.Outcome {
      let environment = [
        "INHERITUNE_CUDA_LIB": library, "INHERITUNE_CUDA_GRAPHS": graphs ? "1" : "0",
        "XDG_CACHE_HOME": folder.path + "/cache",
      ]
      let outcome = try Command.start(arguments, environment: environment).finish()
      #expect(outcome.status == 0, "\(outcome)")
      return outcome
    }
    func losses(_ run: String) throws -> [Double] {
      try folder.read(run + "/metrics.jsonl").split(separator: "\n").compactMap { line in
        let entry = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        return entry?["loss"] as? Double
      }
    }
    func train(_ name: String, _ device: String, graphs: Bool = true, _ settings: String...) throws {
      _ = try run(
        ["train", recipe, "--device", device, "--set", "output.directory=\(folder.path)/\(name)"]
          + settings.flatMap { ["--set", $0] }, graphs: graphs)
    }

    try train("cpu", "cpu")
    try train("float32", "cuda", "training.precision=float32")
    let expected = try losses("cpu")
    let exact = try losses("float32")
    #expect(expected.count == 4 && exact.count == 4)
    for (a, b) in zip(exact, expected) { #expect(abs(a - b) < 1e-4) }

    try train("one by one", "cuda", graphs: false, "training.precision=float32")
    #expect(try losses("one by one") == exact)

    // As it comes: bfloat16, also where it was on the CPU before.
    try train("auto", "auto")
    for (a, b) in zip(try losses("auto"), expected) { #expect(abs(a - b) < 0.05 && a != b) }

    let model = folder.path + "/float32/checkpoints/latest"
    func text(_ device: String) throws -> String {
      try run([
        "generate", model, "--prompt", "The cat", "--max-tokens", "8", "--temperature", "0", "--device", device,
        "--precision", "float32",
      ]).output
    }
    #expect(try text("cuda") == text("cpu"))
    let doctor = try run(["doctor"])
    #expect(doctor.output.contains("cuda 0") && doctor.output.contains("cuda 0 attention"), "\(doctor)")
  }

  @Test func bfloat16NeedsAGPU() throws {
    let folder = try Folder()
    try folder.prepare()
    let recipe = folder.path + "/run.yaml"
    let outcome = try Command.run("train", recipe, "--set", "training.precision=bfloat16")
    #expect(outcome.status == 1 && outcome.errors.contains("bfloat16"), "\(outcome)")
    #expect(outcome.errors.contains("--device cuda"), "\(outcome)")
    // It can be planned all the same.
    func memory(_ settings: String...) throws -> [String: Int] {
      let arguments = settings.flatMap { ["--set", $0] }
      let outcome = try Command.start(["plan", recipe, "--json"] + arguments).finish()
      let plan = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
      return try #require(plan?["memory"] as? [String: Int])
    }
    let here = try memory()
    let there = try memory("training.precision=bfloat16")
    #expect(here["process"] != nil && there["process"] == nil)
    #expect(try #require(there["parameters"]) * 2 == here["parameters"])
    // A GPU computes nothing again unless it is told to.
    #expect(there == (try memory("training.precision=bfloat16", "training.recompute=none")))
    #expect(try memory("training.precision=float32")["parameters"] == here["parameters"])
  }
}
