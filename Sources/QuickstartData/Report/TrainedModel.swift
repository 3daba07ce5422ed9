import Files

/// What the files of one run and its evaluation say about a model.
public struct TrainedModel: Sendable, Equatable {
  /// A validation during the run.
  public struct Validation: Sendable, Equatable {
    public var step: Int
    /// Tokens trained on before it.
    public var tokens: Int
    /// Nats per token.
    public var loss: Double
  }

  public var label: String
  public var blocks: Int
  public var parameters: Int?
  /// In the order of the steps; the first may stand before any training.
  public var validations: [Validation]
  /// Nats per token of the held-out text.
  public var heldOutLoss: Double
  /// Perplexity per word of the held-out text.
  public var wordPerplexity: Double
  /// Share of questions answered rightly, and its standard error; nil if there were no questions.
  public var accuracy: Double?
  public var accuracyError: Double?

  var last: Validation { validations[validations.count - 1] }
}

extension TrainedModel {
  /// Reads a run directory and the evaluation of its last checkpoint.
  /// - Parameters:
  ///   - run: holds `metrics.jsonl` and `checkpoints/latest/config.json`.
  ///   - evaluation: holds `text.json`, what `eval --text --json` printed, and, if there were questions, `results.json`.
  /// - Throws: `QuickstartError`, `FileError`.
  public init(label: String, run: String, evaluation: String, hasQuestions: Bool) throws {
    let configuration = try Document("\(run)/checkpoints/latest/config.json")
    let text = try Document("\(evaluation)/text.json")
    self.init(
      label: label,
      blocks: try configuration.value(["num_hidden_layers"], \.integer),
      parameters: nil,
      validations: try Self.validations("\(run)/metrics.jsonl"),
      heldOutLoss: try text.value(["total", "loss"], \.double),
      wordPerplexity: try text.value(["total", "word_perplexity"], \.double))
    guard hasQuestions else { return }
    let results = try Document("\(evaluation)/results.json")
    accuracy = try results.value(["results", "openbookqa", "acc,none"], \.double)
    accuracyError = try results.value(["results", "openbookqa", "acc_stderr,none"], \.double)
    parameters = try results.value(["config", "model_num_parameters"], \.integer)
  }

  /// The validation lines of a metrics file, in the order of the steps.
  static func validations(_ path: String) throws -> [Validation] {
    let text = try MappedFile(path).text
    var found: [Int: Validation] = [:]
    for (number, line) in text.split(separator: "\n").enumerated() {
      let value: JSON
      do throws(JSONError) { value = try JSON(parsing: String(line)) } catch {
        throw QuickstartError.malformed(path: path, line: number + 1, reason: "\(error)")
      }
      guard let loss = value["validation_loss"]?.double else { continue }
      guard let step = value["step"]?.integer, let tokens = value["tokens"]?.integer else {
        throw QuickstartError.malformed(
          path: path, line: number + 1, reason: "a validation without the whole numbers 'step' and 'tokens'")
      }
      found[step] = Validation(step: step, tokens: tokens, loss: loss)
    }
    guard found.count > 1 else { throw QuickstartError.noValidation(path: path) }
    return found.values.sorted { $0.step < $1.step }
  }

  /// A JSON file that is asked for single values.
  private struct Document {
    let path: String
    let root: JSON

    init(_ path: String) throws {
      self.path = path
      let text = try MappedFile(path).text
      do throws(JSONError) { root = try JSON(parsing: text) } catch {
        throw QuickstartError.malformed(path: path, line: nil, reason: "\(error)")
      }
    }

    func value<Value>(_ keys: [String], _ kind: (JSON) -> Value?) throws(QuickstartError) -> Value {
      var json: JSON? = root
      for key in keys { json = json?[key] }
      guard let value = json.flatMap(kind) else {
        throw .malformed(path: path, line: nil, reason: "'\(keys.joined(separator: "."))' is missing or no number")
      }
      return value
    }
  }
}
