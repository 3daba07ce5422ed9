import Templates

extension TaskFunction {
  /// AGIEval (Zhong et al. 2023): examinations, some with several right answers. Rows: query, choices, gold (indices).
  static let agiEval = [
    TaskFunction(
      "utils.process_results_mcqa", of: agiEvalParts.map { "hails/agieval-\($0)" },
      .results(metrics: ["acc", "acc_norm"]) { row, requests throws(EvaluationError) in
        let lengths = try row.strings("choices").map { Double(PythonString.length($0)) }
        let gold = try row.value("gold")
        guard let gold = gold.elements else { throw row.error("'gold' is \(Row.kind(gold)), expected a list") }
        guard lengths.count == requests else {
          throw row.error("'choices' has \(lengths.count) texts for \(requests) requests")
        }
        return { scores in
          let values = scores.map(\.logProbability)
          return [values, zip(values, lengths).map { $0 / $1 }].map { values in
            .float(gold.contains(.integer(firstMaximum(values))) ? 1 : 0)
          }
        }
      })
  ]

  private static let agiEvalParts = [
    "aqua-rat", "gaokao-biology", "gaokao-chemistry", "gaokao-chinese", "gaokao-english", "gaokao-geography",
    "gaokao-history", "gaokao-mathqa", "gaokao-physics", "jec-qa-ca", "jec-qa-kd", "logiqa-en", "logiqa-zh",
    "lsat-ar", "lsat-lr", "lsat-rc", "sat-en", "sat-en-without-passage", "sat-math",
  ]
}
