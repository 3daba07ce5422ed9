import Templates

extension TaskFunction {
  /// CrowS-Pairs (Nangia et al. 2020; Névéol et al. 2022): which of two sentences is more likely, the more or the less
  /// stereotypical. Rows: sent_more, sent_less, bias_type.
  static let crowSPairs =
    [
      TaskFunction.value("utils.doc_to_choice", of: [crowSDataset]) { row throws(EvaluationError) in
        .list([try row.value("sent_more"), try row.value("sent_less")])
      },
      TaskFunction(
        "utils.process_results", of: [crowSDataset],
        .results(metrics: ["likelihood_diff", "pct_stereotype"]) { row, requests throws(EvaluationError) in
          guard requests == 2 else { throw row.error("the task has \(requests) choices, expected two sentences") }
          return { scores in
            let (more, less) = (scores[0].logProbability, scores[1].logProbability)
            return [.float(abs(more - less)), .float(more > less ? 1 : 0)]
          }
        }),
    ]
    + [
      ("race_color", "race-color"), ("socio", "socioeconomic"), ("gender", "gender"), ("age", "age"),
      ("religion", "religion"), ("disability", "disability"), ("orientation", "sexual-orientation"),
      ("nationality", "nationality"), ("appearance", "physical-appearance"), ("autre", "autre"),
    ].map { name, type in
      TaskFunction.filter("utils.filter_\(name)", of: [crowSDataset]) { row throws(EvaluationError) in
        PythonString.hasPrefix(try row.string("bias_type"), type)
      }
    }

  private static let crowSDataset = "jannalu/crows_pairs_multilingual"
}
