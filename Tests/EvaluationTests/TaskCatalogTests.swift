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
    #expect(message("HellaSwag").contains("did you mean hellaswag"))
    #expect(message("PIQ").contains("did you mean piqa"))
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

  @Test func twoFilesWithOneNameAreAnError() throws {
    for other in [Self.task, "group: mine\ntask: [piqa]"] {
      do {
        _ = try catalog(["a.yaml": Self.task, "b.yaml": other])
        Issue.record("no error")
      } catch {
        #expect("\(error)".contains("/b.yaml: 'mine' is defined in ") && "\(error)".contains("/a.yaml too"), "\(error)")
      }
    }
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
    ("group: g\ntask: []", "group.yaml:1: group 'g' has no members"),
    ("group: g\ntask: [piqa, {group: h, task: []}]", "group.yaml:2: group 'g::h' has no members"),
    ("group: g\ntask: [g]", "group.yaml:1: group 'g' is a member of itself"),
    ("group: g\nnum_fewshot: 1\ntask: [piqa, {group: h, task: [g]}]", "group 'g' is a member of itself"),
    (
      "group: g\ntask:\n- {group: h, task: [piqa]}\n- {group: h, task: [boolq]}",
      "group.yaml:4: group 'g::h' is asked for twice, with other settings here"
    ),
    ("group: g\ntask: [{task: piqa, num_fewshot: 1}, {task: piqa, num_fewshot: 2}]", "task 'piqa' is asked for twice"),
  ])
  func wrongGroupsAreOneError(text: String, part: String) throws {
    let (catalog, _) = try catalog(["group.yaml": text])
    do {
      _ = try catalog.select("g")
      Issue.record("no error for \(text)")
    } catch { #expect("\(error)".contains(part), "\(error)") }
  }

  /// As in the harness, whose groups keep their members by name.
  @Test func aMemberCountsOnce() throws {
    let (catalog, _) = try catalog([
      "g.yaml": "group: g\ntask: [arc_easy, ai2_arc, piqa, piqa, {task: piqa}, {group: h, task: [piqa]}, \n"
        + "  {group: h, task: [piqa]}]"
    ])
    let selection = try catalog.select("g")
    #expect(selection.groups.map(\.members) == [["arc_easy", "arc_challenge", "piqa", "g::h"], ["piqa"]])
  }

  /// A short file that repeats a tag of 19 tasks, each of which takes a while to read.
  @Test func repeatedMembersAreReadOnce() throws {
    let members = Array(repeating: "mmlu_stem_tasks", count: 2000).joined(separator: ", ")
    let (catalog, _) = try catalog(["g.yaml": "group: g\ntask: [\(members)]"])
    let clock = ContinuousClock()
    let once = try clock.measure { _ = try catalog.select("mmlu_stem") }
    var counts: [Int] = []
    let time = try clock.measure { counts = try catalog.select("g").groups.map(\.members.count) }
    #expect(counts == [19])
    #expect(time < once * 200, "\(time), once \(once)")
  }

  @Test func aGroupAskedForTwiceHasTheSameSettings() throws {
    let (catalog, _) = try catalog([
      "a.yaml": "group: a\ntask: [{group: mmlu_stem, num_fewshot: 3}]",
      "b.yaml": "group: b\nnum_fewshot: 3\ntask: [{task: mmlu_stem}]",
    ])
    let selection = try catalog.select("a,b")
    #expect(selection.groups.map(\.members.count) == [1, 19, 1])
    #expect(selection.tasks.count == 19 && selection.tasks.allSatisfy { $0.configuration.fewShot == 3 })
    for list in ["mmlu_stem,a", "a,mmlu_stem", "mmlu,b"] {
      do {
        _ = try catalog.select(list)
        Issue.record("two settings of one group")
      } catch {
        #expect(
          "\(error)".contains("yaml:2: group 'mmlu_stem' is asked for twice, with other settings here"), "\(error)")
      }
    }
  }

  /// Groups that share groups, level over level.
  @Test func groupsOfTooManyTasksAreAnError() throws {
    var files = ["g0.yaml": "group: g0\ntask: [piqa, boolq, sciq, rte]", "h0.yaml": "group: h0\ntask: [piqa]"]
    files["i0.yaml"] = "group: i0\ntask: [piqa]"
    for level in 1...8 {
      for name in ["g", "h", "i"] {
        files["\(name)\(level).yaml"] =
          "group: \(name)\(level)\ntask: [g\(level - 1), h\(level - 1), i\(level - 1)]"
      }
    }
    let (catalog, _) = try catalog(files)
    let selection = try catalog.select("g7")
    #expect(selection.tasks.map(\.name) == ["boolq", "piqa", "rte", "sciq"] && selection.groups.count == 22)
    do {
      _ = try catalog.select("g8")
      Issue.record("no error")
    } catch {
      #expect("\(error)".contains("g8.yaml:1: group 'g8' has 13122 tasks, those of each group counted"), "\(error)")
    }
  }

  @Test func rowsMayStandBesideTheFile() throws {
    let text =
      Self.task
      + "\ndataset_path: json\ndataset_kwargs: {data_files: {test: rows/t.jsonl, dev: hf://datasets/a.jsonl}}\n"
    let (catalog, folder) = try catalog(["mine.yaml": text], rows: ["rows/t.jsonl": #"{"q": "Q", "label": 1}"#])
    let task = try catalog.task("mine")
    #expect(task.files == ["test": ["\(folder.path)/rows/t.jsonl"]])
    let evaluator = try Evaluator(tokenizer: ByteTokenizer.make(), dataDirectory: "nowhere", catalog: catalog)
    #expect(try evaluator.prepare(task).documents.map { $0.document.texts() } == [[["Q", " x"], ["Q", " y"]]])
  }

  @Test func rowsThatAreNamedAndNotThereAreAnError() throws {
    func message(_ dataset: String, _ file: String) throws -> String {
      let text = Self.task + "\ndataset_path: \(dataset)\ndataset_kwargs: {data_files: {test: [\(file)]}}\n"
      let (catalog, _) = try catalog(["mine.yaml": text], rows: ["folder/t.jsonl": ""])
      do { return "\(try catalog.task("mine").files)" } catch { return "\(error)" }
    }
    for (dataset, file) in [("json", "gone.jsonl"), ("csv", "folder"), ("a/b", "/gone/x.jsonl")] {
      let found = try message(dataset, file)
      #expect(found.contains("mine.yaml:10: 'data_files': ") && found.contains("\(file) is no file"), "\(found)")
    }
    #expect(try message("a/b", "gone.jsonl") == "[:]")
    #expect(try message("json", "https://host/x.jsonl") == "[:]")
  }
}
