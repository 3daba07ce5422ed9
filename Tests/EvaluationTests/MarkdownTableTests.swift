import Testing

@testable import Evaluation

/// Expected tables were printed by pytablewriter 1.2.1, the harness's table library.
struct MarkdownTableTests {
  private func table(_ rows: [(name: String, version: MarkdownTable.Cell, shots: String, value: String, error: String)])
    -> String
  {
    MarkdownTable(
      headers: ["Tasks", "Version", "Filter", "n-shot", "Metric", "", "Value", "", "Stderr"],
      rows: rows.map { row in
        [
          .text(row.name), row.version, .text("none"), .text(row.shots), .text("acc"), .text("↑"), .text(row.value),
          .text("±"),
          .text(row.error),
        ]
      }
    ).text
  }

  @Test func columnsHaveAsManyDecimalsAsTheyNeed() {
    #expect(
      table([
        ("piqa", .number(1), "0", "0.5000", "0.1000"),
        ("boolq", .number(2), "0", "0.2500", "0.0120"),
      ]) == """
        |Tasks|Version|Filter|n-shot|Metric|   |Value|   |Stderr|
        |-----|------:|------|-----:|------|---|----:|---|-----:|
        |piqa |      1|none  |     0|acc   |↑  | 0.50|±  | 0.100|
        |boolq|      2|none  |     0|acc   |↑  | 0.25|±  | 0.012|

        """)
  }

  @Test func wholeNumbersLoseTheirDecimals() {
    #expect(
      table([
        ("piqa", .number(1), "0", "1.0000", "0.0000"),
        ("boolq", .number(2), "0", "0.0000", "0.0000"),
      ]) == """
        |Tasks|Version|Filter|n-shot|Metric|   |Value|   |Stderr|
        |-----|------:|------|-----:|------|---|----:|---|-----:|
        |piqa |      1|none  |     0|acc   |↑  |    1|±  |     0|
        |boolq|      2|none  |     0|acc   |↑  |    0|±  |     0|

        """)
  }

  @Test func numbersAmongTextsKeepTheirOwnForm() {
    #expect(
      table([
        ("lambada_openai", .number(1), "0", "74510463.3697", "7663875616446219288576.0000"),
        ("", .text(""), "0", "0.0000", "0.0000"),
        ("piqa", .number(1), "0", "0.4321", "0.0210"),
        ("wikitext", .number(2), "0", "3499.2625", "   N/A"),
      ]) == """
        |    Tasks     |Version|Filter|n-shot|Metric|   |    Value    |   |        Stderr        |
        |--------------|------:|------|-----:|------|---|------------:|---|----------------------|
        |lambada_openai|      1|none  |     0|acc   |↑  |74510463.3697|±  |7663875616446219288576|
        |              |       |none  |     0|acc   |↑  |       0.0000|±  |                     0|
        |piqa          |      1|none  |     0|acc   |↑  |       0.4321|±  |                 0.021|
        |wikitext      |      2|none  |     0|acc   |↑  |    3499.2625|±  |   N/A                |

        """)
  }

  @Test func numbersBelowManyTextsStayTexts() {
    #expect(
      table([
        ("wikitext", .number(2), "0", "2.5434", "   N/A"),
        ("", .text(""), "0", "5.8296", "   N/A"),
        ("winogrande", .number(1), "0", "0.5000", "0.1000"),
      ]) == """
        |  Tasks   |Version|Filter|n-shot|Metric|   |Value |   |Stderr|
        |----------|------:|------|-----:|------|---|-----:|---|------|
        |wikitext  |      2|none  |     0|acc   |↑  |2.5434|±  |   N/A|
        |          |       |none  |     0|acc   |↑  |5.8296|±  |   N/A|
        |winogrande|      1|none  |     0|acc   |↑  |0.5000|±  |0.1000|

        """)
  }

  @Test func infinitiesAndNaN() {
    #expect(
      table([
        ("a", .number(1), "5", "inf", "nan"),
        ("b", .number(1), "5", "0.5000", "inf"),
        ("c", .number(1), "5", "nan", "0.2500"),
      ]) == """
        |Tasks|Version|Filter|n-shot|Metric|   | Value  |   | Stderr |
        |-----|------:|------|-----:|------|---|-------:|---|-------:|
        |a    |      1|none  |     5|acc   |↑  |Infinity|±  |     NaN|
        |b    |      1|none  |     5|acc   |↑  |     0.5|±  |Infinity|
        |c    |      1|none  |     5|acc   |↑  |     NaN|±  |    0.25|

        """)
  }

  @Test func versionsThatAreNotNumbers() {
    #expect(
      table([
        ("a", .text("    N/A"), " ", "-0.5000", "   N/A"),
        ("b", .number(1.5), "25", "12.0000", "3.0000"),
        ("c|d", .text("2"), "25", "100.0000", "0.0001"),
      ]) == """
        |Tasks|Version|Filter|n-shot|Metric|   |Value|   |Stderr|
        |-----|-------|------|-----:|------|---|----:|---|------|
        |a    |    N/A|none  |      |acc   |↑  | -0.5|±  |   N/A|
        |b    |    1.5|none  |    25|acc   |↑  | 12.0|±  |3.0000|
        |c\\|d  |2      |none  |    25|acc   |↑  |100.0|±  |0.0001|

        """)
  }
}
