/// A task or group that comes with the program, as the YAML that a reader of the harness knows. One file a benchmark
/// under `Tasks/`.
struct BuiltInTask: Sendable {
  let name: String
  /// Repeated here, so that tags are known without reading the YAML of all tasks.
  let tags: [String]
  let isGroup: Bool
  private let yaml: @Sendable () -> String

  init(
    _ name: String, tags: [String] = [], isGroup: Bool = false, _ yaml: @autoclosure @escaping @Sendable () -> String
  ) {
    self.name = name
    self.tags = tags
    self.isGroup = isGroup
    self.yaml = yaml
  }

  static let all: [BuiltInTask] =
    [
      piqa, hellaSwag, winoGrande, wsc273, wsc, boolQ, lambadaOpenAI, lambadaStandard, logiQA, truthfulQA1, truthfulQA2,
      sciQ, arcEasy, arcChallenge, openBookQA, mnli, qnli, wnli, rte, copa, race, wikiText,
    ] + mmlu

  var item: TaskCatalog.Item {
    TaskCatalog.Item(name: name, tags: tags, isGroup: isGroup) {
      try TaskDefinition.read("\(name).yaml") { path in
        // An include names a neighbour: `arc_easy.yaml`.
        let file = path.split(separator: "/").last ?? ""
        guard let task = Self.all.first(where: { "\($0.name).yaml" == file }) else {
          throw EvaluationError.taskFile(location: "\(name).yaml", reason: "no built-in task is called \(file)")
        }
        return task.yaml()
      }
    }
  }
}
