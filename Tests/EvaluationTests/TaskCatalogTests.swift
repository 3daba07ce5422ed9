import Files
import Testing

@testable import Evaluation

struct TaskCatalogTests {
  private let catalog = TaskCatalog.builtIn

  private func names(_ list: String) throws -> [String] { try catalog.select(list).tasks.map(\.name) }

  private func message(_ list: String) -> String {
    do {
      _ = try catalog.select(list)
      return "no error"
    } catch { return "\(error)" }
  }

  @Test func namesGlobsAndTagsSelectTasksInOrder() throws {
    #expect(try names("piqa") == ["piqa"])
    #expect(try names("winogrande, arc_*,piqa,arc_easy") == ["arc_challenge", "arc_easy", "piqa", "winogrande"])
    #expect(try names("ai2_arc") == ["arc_challenge", "arc_easy"])
    #expect(try names("glue") == ["mnli", "qnli", "rte", "wnli"])
    #expect(try names("*").count == catalog.taskNames.count)
    #expect(try names("[bp]*") == ["boolq", "piqa"])
    #expect(try catalog.select("glue,piqa").groups.isEmpty)
  }

  @Test func mmluIsFourGroupsOfSubjects() throws {
    let selection = try catalog.select("mmlu")
    #expect(selection.tasks.count == 57)
    #expect(
      selection.groups.map(\.name) == ["mmlu", "mmlu_stem", "mmlu_other", "mmlu_social_sciences", "mmlu_humanities"])
    #expect(selection.groups.map(\.members.count) == [4, 19, 13, 12, 13])
    #expect(selection.groups[0].members == Array(selection.groups.map(\.name).dropFirst()))
    #expect(selection.groups[1].members.first == "mmlu_abstract_algebra")
    #expect(selection.groups.map(\.alias) == [nil, "stem", "other", "social sciences", "humanities"])
    for group in selection.groups {
      #expect(group.metrics == [TaskGroup.Aggregate(metric: "acc", weightBySize: true, filter: "none")])
      #expect(group.version == "2")
    }
    #expect(try catalog.select("mmlu_stem,mmlu_virology").groups.map(\.name) == ["mmlu_stem"])
    #expect(try names("mmlu_stem_tasks").count == 19)
  }

  @Test func unknownNamesHaveNearOnes() {
    #expect(message("hellaswga").contains("did you mean hellaswag"))
    #expect(message("arc").contains("arc_easy"))
    #expect(message("mmlu_anatomi").contains("mmlu_anatomy"))
    #expect(message("zzz*").contains("zzz*"))
    #expect(message(" , ") == EvaluationError.noTasks.description)
  }

  @Test func theListingShowsTasksAndGroups() throws {
    let lines = try catalog.listing().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    func columns(_ name: String) -> String? {
      lines.first { $0.hasPrefix(name + " ") }?.split(separator: " ").joined(separator: " ")
    }
    #expect(columns("piqa") == "piqa validation.jsonl acc, acc_norm")
    #expect(columns("mnli") == "mnli validation_matched.jsonl acc")
    #expect(columns("mmlu") == "mmlu mmlu_stem, mmlu_other, mmlu_social_sciences, mmlu_humanities")
    #expect(columns("mmlu_other")?.hasSuffix("… (13)") == true)
    #expect(lines.allSatisfy { !$0.hasSuffix(" ") })
  }

  // MARK: - Files

  private static let task = """
    task: mine
    tag: [a, b]
    output_type: multiple_choice
    test_split: test
    doc_to_text: "{{q}}"
    doc_to_target: label
    doc_to_choice: [x, y]
    metadata: {version: 0.1}
    """

  private func catalog(
    _ files: [String: String], rows: [String: String] = [:]
  ) throws -> (TaskCatalog, TemporaryFolder) {
    let folder = try TemporaryFolder()
    for (name, text) in files { try folder.write(name, text) }
    for (name, text) in rows { try folder.write(name, text) }
    return (try catalog.adding(files: files.keys.sorted().map { "\(folder.path)/\($0)" }), folder)
  }

  @Test func filesAddTasksAndTagsAndHideOthers() throws {
    let (catalog, _) = try catalog([
      "mine.yaml": Self.task, "piqa.yaml": Self.task.replacing("task: mine", with: "task: piqa"),
    ])
    #expect(try catalog.select("b").tasks.map(\.name) == ["mine", "piqa"])
    #expect(try catalog.task("piqa").configuration.version == .number(0.1))
    #expect(try TaskCatalog.builtIn.task("piqa").configuration.version == .number(1))
  }

  @Test func groupsGiveSettingsToTheirTasks() throws {
    let (catalog, _) = try catalog([
      "mine.yaml": Self.task,
      "group.yaml": """
      group: g
      group_alias: G
      num_fewshot: 3
      task:
        - task: mine
          task_alias: my own
          num_fewshot: 2
        - ai2_arc
        - group: inner
          task:
            - piqa
            - task: fresh
              output_type: loglikelihood
              test_split: test
              doc_to_text: "{{q}}"
              doc_to_target: " a"
          aggregate_metric_list: {metric: acc, weight_by_size: false, filter_list: [none, other]}
      aggregate_metric_list:
        - metric: acc
          aggregation: mean
      """,
    ])
    let selection = try catalog.select("g")
    #expect(selection.tasks.map(\.name) == ["arc_challenge", "arc_easy", "g::inner::fresh", "mine", "piqa"])
    #expect(selection.tasks.map { $0.configuration.fewShot(asked: nil) } == [3, 3, 3, 2, 3])
    #expect(selection.tasks[3].configuration.alias == "my own")
    #expect(selection.groups.map(\.name) == ["g", "g::inner"])
    #expect(selection.groups[0].members == ["mine", "arc_challenge", "arc_easy", "g::inner"])
    #expect(selection.groups[1].members == ["piqa", "g::inner::fresh"])
    #expect(selection.groups[0].metrics == [.init(metric: "acc")])
    #expect(
      selection.groups[1].metrics == [
        .init(metric: "acc", weightBySize: false), .init(metric: "acc", weightBySize: false, filter: "other"),
      ])
    do {
      _ = try catalog.select("g,piqa")
      Issue.record("two settings of one task")
    } catch {
      #expect("\(error)".contains("group.yaml:3: task 'piqa' is asked for twice, with other settings here"), "\(error)")
    }
  }

  @Test(arguments: [
    ("group: g\ntask: [nothing]", "group.yaml:2: no task is called 'nothing'; add its file with --task-file"),
    ("group: g\ntask: [[piqa]]", "group.yaml:2: a member of group 'g' is a list"),
    ("group: g\ntask: [{num_fewshot: 2}]", "'task' is missing; a member of group 'g' needs it"),
    ("group: g", "'task' is missing; a group needs it"),
    (
      "group: g\ntask: [piqa]\naggregate_metric_list: [{metric: acc, aggregation: median}]",
      "group.yaml:3: 'aggregation' is the text 'median', expected mean"
    ),
    ("group: g\ntask: [piqa]\naggregate_metric_list: [{aggregation: mean}]", "'metric' is missing"),
  ])
  func wrongGroupsAreOneError(text: String, part: String) throws {
    let (catalog, _) = try catalog(["group.yaml": text])
    do {
      _ = try catalog.select("g")
      Issue.record("no error for \(text)")
    } catch { #expect("\(error)".contains(part), "\(error)") }
  }

  @Test func aGroupThatIsItsOwnMemberEnds() throws {
    let (catalog, _) = try catalog(["group.yaml": "group: g\ntask: [g, piqa]"])
    #expect(try catalog.select("g").tasks.map(\.name) == ["piqa"])
  }

  @Test func rowsMayStandBesideTheFile() throws {
    let text =
      Self.task + "\ndataset_path: json\ndataset_kwargs: {data_files: {test: rows/t.jsonl, train: gone.jsonl}}\n"
    let (catalog, folder) = try catalog(["mine.yaml": text], rows: ["rows/t.jsonl": #"{"q": "Q", "label": 1}"#])
    let task = try catalog.task("mine")
    #expect(task.files == ["test": ["\(folder.path)/rows/t.jsonl"]])
    let evaluator = try Evaluator(tokenizer: ByteTokenizer.make(), dataDirectory: "nowhere", catalog: catalog)
    #expect(try evaluator.prepare(task).documents.map { $0.document.texts() } == [[["Q", " x"], ["Q", " y"]]])
  }
}
