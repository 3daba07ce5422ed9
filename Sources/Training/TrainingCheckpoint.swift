import Checkpoints
import Files
import Models
import Programs
import Tensors

/// A checkpoint of a run: a Hugging Face model directory that any tool loads, and beside the weights what is needed to
/// go on bit for bit:
///
///     config.json  model.safetensors  (tokenizer files)  inheritune.json
///     training/optimizer.safetensors   Adam's m and v
///     training/state.json              step, data cursor, random state (`TrainingState`)
///     training/recipe.yaml             the recipe it was made with
public struct TrainingCheckpoint: Sendable {
  private static let optimizerFile = "training/optimizer.safetensors"
  private static let stateFile = "training/" + TrainingState.fileName
  private static let recipeFile = "training/recipe.yaml"
  private static let provenanceFile = "inheritune.json"

  public let path: String
  /// The architecture.
  public let model: Model
  /// The recipe that the run had.
  public let recipe: TrainingRecipe
  /// Steps done.
  public var step: Int { state.step }
  /// Tokens trained on.
  public var tokens: Int { state.tokens }

  let state: TrainingState
  /// What the run started with; see `StartingPoint.provenance`.
  let provenance: JSONObject
  private let weights: any CheckpointReader
  private let moments: any CheckpointReader

  // MARK: Reading

  /// Opens a checkpoint and checks that it is complete; no tensor is read.
  /// - Throws: `TrainingError.damagedCheckpoint`, and the errors of its files.
  public init(_ path: String) throws {
    self.path = path
    state = try TrainingState(path: path + "/" + TrainingCheckpoint.stateFile)
    model = try Model.load(directory: path)
    weights = try Checkpoint.open(path)
    _ = try model.weights.match(weights)
    moments = try Checkpoint.open(path + "/" + TrainingCheckpoint.optimizerFile)
    let recipePath = path + "/" + TrainingCheckpoint.recipeFile
    let text = try MappedFile(recipePath).text
    guard SHA256.hex(of: text) == state.recipeHash else {
      throw TrainingError.damagedCheckpoint(path: recipePath, reason: "it was changed after it was written")
    }
    recipe = try TrainingRecipe(parsing: text, source: recipePath)
    let provenancePath = path + "/" + TrainingCheckpoint.provenanceFile
    provenance = try JSON(contentsOf: provenancePath)["source"]?.object ?? JSONObject()
  }

  /// The newest complete checkpoint of a run directory, whatever `latest` points to.
  /// - Returns: the checkpoint, nil where there is none; and what is wrong with newer ones.
  /// - Throws: `TrainingError.noUsableCheckpoint` when there are some and none can be used.
  static func newest(in directory: RunDirectory) throws -> (checkpoint: TrainingCheckpoint?, problems: [String]) {
    var problems: [String] = []
    let steps = try directory.checkpointSteps()
    for step in steps {
      do { return (try TrainingCheckpoint(directory.checkpointPath(step: step)), problems) } catch {
        problems.append("\(error)")
      }
    }
    guard steps.isEmpty else { throw TrainingError.noUsableCheckpoint(directory: directory.path, problems: problems) }
    return (nil, [])
  }

  /// A run that goes on from here: its tokenizer is the checkpoint's own.
  var startingPoint: StartingPoint {
    StartingPoint(model: model, tokenizerDirectory: path, provenance: provenance, makeStore: makeStore)
  }

  /// A store with the weights and moments.
  /// - Throws: `TrainingError.damagedCheckpoint` when the moments are not those of the trained parameters;
  ///   `DeviceError`.
  private func makeStore(
    on device: any Device, precision: Precision, group: (Parameter) -> ParameterGroup
  ) throws -> ParameterStore {
    let store = try ParameterStore.load(model, from: weights, device: device, precision: precision, group: group)
    var buffer: [Float] = []
    for moment in TrainingCheckpoint.moments(of: store) {
      let parameter = moment.parameter
      guard let found = moments.description(of: moment.name), found.shape == [parameter.rows, parameter.columns],
        found.type.isFloat
      else {
        throw TrainingError.damagedCheckpoint(
          path: moments.path, reason: "expected '\(moment.name)', [\(parameter.rows), \(parameter.columns)] numbers")
      }
      if buffer.count < parameter.count { buffer = [Float](repeating: 0, count: parameter.count) }
      try buffer.withUnsafeMutableBufferPointer { all in
        let values = UnsafeMutableBufferPointer(rebasing: all[..<parameter.count])
        try moments.read(moment.name, into: values)
        try store.write(UnsafeBufferPointer(values), to: moment.part, of: parameter.name, at: 0)
      }
    }
    return store
  }

  // MARK: Writing

  /// Everything that a checkpoint holds.
  struct Contents {
    var model: Model
    var store: ParameterStore
    var state: TrainingState
    /// `TrainingRecipe.yaml()`, whose hash `state` has.
    var recipe: String
    var tokenizerDirectory: String?
    var provenance: JSONObject
    /// Of the program that writes.
    var version: String
  }

  /// Writes a checkpoint that appears whole or not at all, and is on the disk when this returns.
  /// - Throws: `FileError`, `CheckpointError`, `DeviceError`.
  static func write(_ contents: Contents, to path: String) throws {
    // One that is there already is of the same step of the same run, or damaged.
    let staged = try StagedDirectory(path, replacing: true)
    do { try write(contents, into: staged) } catch FileError.diskFull {
      // The name that it has until it is whole tells nobody anything.
      throw FileError.diskFull(path: path)
    }
    try staged.commit()
  }

  private static func write(_ contents: Contents, into staged: StagedDirectory) throws {
    try ModelDirectory.write(contents.model, store: contents.store, to: staged.path)
    if let tokenizer = contents.tokenizerDirectory {
      try ModelDirectory.copyCompanions(from: tokenizer, to: staged.path)
    }
    try FileTree.makeDirectory(staged.path + "/training")
    let store = contents.store
    let moments = TrainingCheckpoint.moments(of: store).map { moment in
      let (name, type) = (moment.parameter.name, store.precision.moments == .bfloat16 ? ElementType.bfloat16 : .float32)
      return TensorSource(
        name: moment.name, type: type, shape: [moment.parameter.rows, moment.parameter.columns]
      ) { elements, bytes in
        let values = try store.read(elements, from: moment.part, of: name)
        values.withUnsafeBufferPointer { type.convert($0, into: bytes) }
      }
    }
    try SafetensorsWriter.write(moments, toFile: staged.path + "/" + optimizerFile)
    try AtomicFile.write(staged.path + "/" + recipeFile) { try $0.write(contents.recipe) }
    try AtomicFile.write(staged.path + "/" + provenanceFile) {
      try $0.write(JSON.object(provenance(of: contents)).serialized(indent: 2) + "\n")
    }
    try contents.state.write(to: staged.path + "/" + stateFile)
  }

  private static func provenance(of contents: Contents) -> JSONObject {
    [
      "format": .string("inheritune-provenance"), "version": .string(contents.version),
      "source": .object(contents.provenance),
      "training": .object([
        "step": .integer(Int64(contents.state.step)), "tokens": .integer(Int64(contents.state.tokens)),
        "recipe_sha256": .string(contents.state.recipeHash),
      ]),
    ]
  }

  private typealias Moment = (name: String, part: ParameterStore.Part, parameter: Parameter)

  /// The moments of every trained parameter under their names in the file.
  private static func moments(of store: ParameterStore) -> [Moment] {
    store.parameters.filter { store.isTrainable($0.name) }.flatMap { parameter -> [Moment] in
      [("m." + parameter.name, .m, parameter), ("v." + parameter.name, .v, parameter)]
    }
  }
}
