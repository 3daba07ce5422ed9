import Templates

extension TaskFunction {
  /// Data sets of which each task takes its part: a `process_docs` that keeps rows by a column.
  static let filters =
    BuiltInTask.mmluSubjects.map { subject in
      // Global-MMLU (Singh et al. 2024): MMLU in 42 languages.
      TaskFunction.filter("utils.process_\(subject)", of: ["CohereForAI/Global-MMLU"]) { row throws(EvaluationError) in
        try row.string("subject") == subject
      }
    }
    + BuiltInTask.mmluSubjects.map { subject in
      // OpenAI's translations, where some subjects are names of files.
      TaskFunction.filter("utils.process_\(subject)", of: ["openai/MMMLU"]) { row throws(EvaluationError) in
        subjectOfFile(try row.string("Subject")) == subject
      }
    }
    + ["Business", "Humanities", "Medical", "Other", "STEM", "Social Sciences"].map { category in
      filter(
        category, "subject_category", separators: [" "],
        of: ["CohereForAI/Global-MMLU-Lite", "CohereLabs/Global-MMLU-Lite"])
    }
    + [
      "Applied Science", "Arts & Humanities", "Business & Commerce", "Driving License", "General knowledge",
      "Health oriented education", "Marine License", "Medical License", "Professional certification", "STEM",
      "Social Science",
    ].map { domain in
      // INCLUDE (Romanou et al. 2024): examinations in 44 languages.
      filter(domain, "domain", separators: [" & ", " "], of: ["CohereForAI/include-base-44"])
    }
    + [
      // BIG-bench has rows with free answers among those with choices.
      TaskFunction.filter("utils.filter_multiple_choice", of: ["hails/bigbench"]) { row throws(EvaluationError) in
        let choices = try row.value("multiple_choice_targets")
        guard let choices = choices.elements else {
          throw row.error("'multiple_choice_targets' is \(Row.kind(choices)), expected a list")
        }
        return !choices.isEmpty
      },
      // EusExams (Etxaniz et al. 2024): rows without an answer or without texts.
      TaskFunction.filter("utils.process_docs", of: ["HiTZ/EusExams"]) { row throws(EvaluationError) in
        let answer = try row.value("answer")
        let isEmpty = try row.value("candidates") == .list(Array(repeating: .string(""), count: 4))
        return (0..<4).contains { answer == .integer($0) } && !isEmpty
      },
    ]

  /// `process_social_sciences`: rows whose column is "Social Sciences".
  private static func filter(
    _ value: String, _ column: String, separators: [String], of datasets: [String]
  ) -> TaskFunction {
    let name = separators.reduce(value.lowercased()) { $0.replacing($1, with: "_") }
    return TaskFunction.filter("utils.process_\(name)", of: datasets) { row throws(EvaluationError) in
      try row.string(column) == value
    }
  }

  /// `anatomy_test.csv_sw-KE.csv` is anatomy.
  private static func subjectOfFile(_ name: String) -> String {
    for marker in ["_test.csv", "_test-"] {
      if let range = name.firstRange(of: marker) { return String(name[..<range.lowerBound]) }
    }
    return name
  }
}
