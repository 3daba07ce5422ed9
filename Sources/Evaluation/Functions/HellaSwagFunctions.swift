import Templates

extension TaskFunction {
  /// HellaSwag (Zellers et al. 2019): which ending continues a scene. Rows: activity_label, ctx_a, ctx_b, endings, label
  /// ("0"…"3").
  static let hellaSwag = [
    TaskFunction.map("utils.process_docs", of: hellaSwagDatasets) { row throws(EvaluationError) in
      let scene = "\(try row.string("ctx_a")) \(PythonString.capitalize(try row.string("ctx_b")))"
      row.columns["query"] = .string(cleanWikiHow("\(try row.string("activity_label")): \(scene)"))
      row.columns["choices"] = .list(try row.strings("endings").map { .string(cleanWikiHow($0)) })
      row.columns["gold"] = .integer(try row.digits("label"))
    }
  ]

  /// The set itself, and its translations (Lai et al. 2023).
  private static let hellaSwagDatasets = ["Rowan/hellaswag", "hellaswag", "alexandrainst/m_hellaswag"]

  /// Removes the WikiHow marks. The strip comes first, so a deleted leading tag leaves its space; the doubled blanks
  /// are replaced in one pass, so runs of three or more do not collapse. Both as in the harness.
  static func cleanWikiHow(_ text: String) -> String {
    var text = PythonString.strip(text)
    text = PythonString.replace(text, " [title]", with: ". ")
    text = PythonString.removeBracketed(text)
    return PythonString.replace(text, "  ", with: " ")
  }
}
