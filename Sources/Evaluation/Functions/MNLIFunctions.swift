import Templates

extension TaskFunction {
  /// MultiNLI (Williams et al. 2018) in GLUE. Rows: premise, hypothesis, label.
  static let mnli = [
    TaskFunction.value("utils.doc_to_text", of: ["nyu-mll/glue", "glue"]) { row throws(EvaluationError) in
      let hypothesis = PythonString.strip(try row.string("hypothesis"))
      let stop = PythonString.hasSuffix(hypothesis, ".") ? "" : "."
      return .string(
        "\(try row.string("premise"))\nQuestion: \(hypothesis)\(stop) True, False or Neither?\nAnswer:")
    }
  ]
}
