import Templates

extension TaskFunction {
  /// WikiText-2 by document (Merity et al. 2016): perplexity of whole articles. The detokenised text is scored; words
  /// and bytes are counted on the page as it is, so that models with different tokenizers compare. Rows: page.
  static let wikiText = [
    TaskFunction.value("preprocess_wikitext.wikitext_detokenizer", of: wikiTextDatasets) {
      row throws(EvaluationError) in
      .string(detokenizeWikiText(try row.string("page")))
    },
    TaskFunction(
      "preprocess_wikitext.process_results", of: wikiTextDatasets,
      .results(metrics: ["word_perplexity", "byte_perplexity", "bits_per_byte"]) { row, _ throws(EvaluationError) in
        let page = try row.string("page")
        let counts = [PythonString.countWords(page), page.utf8.count, page.utf8.count]
        return { scores in counts.map { .counted(logLikelihood: scores[0].logProbability, count: $0) } }
      }),
  ]

  private static let wikiTextDatasets = ["EleutherAI/wikitext_document_level"]

  /// Undoes WikiText's tokenization, in the harness's order.
  static func detokenizeWikiText(_ page: String) -> String {
    var text = PythonString.replace(page, "s '", with: "s'")
    // The harness's pattern for an apostrophe before digits has stray slashes and writes its own class back literally.
    for digit in 0...9 { text = PythonString.replace(text, "/' \(digit)/", with: "/'[0-9]/") }
    for (old, new) in [
      (" @-@ ", "-"), (" @,@ ", ","), (" @.@ ", "."),
      (" : ", ": "), (" ; ", "; "), (" . ", ". "), (" ! ", "! "), (" ? ", "? "), (" , ", ", "),
    ] {
      text = PythonString.replace(text, old, with: new)
    }
    for (open, close) in [("(", ")"), ("[", "]"), ("{", "}"), ("\"", "\""), ("'", "'")]
      as [(Unicode.Scalar, Unicode.Scalar)]
    {
      text = PythonString.trimInside(text, open: open, close: close)
    }
    for (old, new) in [
      ("= = = =", "===="), ("= = =", "==="), ("= =", "=="), (" \u{B0} ", "\u{B0}"), (" \n", "\n"), ("\n ", "\n"),
      (" N ", " 1 "), (" 's", "'s"),
    ] {
      text = PythonString.replace(text, old, with: new)
    }
    return text
  }
}
