import Files

/// WikiText-2 by document (Merity et al. 2016): perplexity of whole articles. The detokenised text is scored; words and
/// bytes are counted on the page as it is, so that models with different tokenizers compare. Rows: page.
public struct WikiText: EvaluationTask {
  public let configuration: TaskConfiguration = {
    var configuration = TaskConfiguration(
      name: "wikitext", datasetPath: "EleutherAI/wikitext_document_level", datasetName: "wikitext-2-raw-v1",
      docToText: "", docToTarget: "!function preprocess_wikitext.wikitext_detokenizer",
      metrics: [.wordPerplexity, .bytePerplexity, .bitsPerByte], outputType: .rolling, version: 2)
    configuration.trainingSplit = "train"
    configuration.validationSplit = "validation"
    configuration.testSplit = "test"
    configuration.processResults = "!function preprocess_wikitext.process_results"
    configuration.decontaminationQuery = "{{page}}"
    return configuration
  }()

  public init() {}

  public func document(_ row: Row) throws(EvaluationError) -> TaskDocument {
    let page = try row.string("page")
    return TaskDocument(
      row: row,
      question: .rolling(text: Self.detokenize(page), words: PythonString.countWords(page), bytes: page.utf8.count))
  }

  /// Undoes WikiText's tokenization, in the harness's order.
  static func detokenize(_ page: String) -> String {
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
