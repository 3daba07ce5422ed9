/// The filters that templates may use.
enum Filter: String, Sendable {
  case abs, capitalize, `default`, dictsort, first, float, int, items, join, last, length, list, lower, map, max, min
  case reject, rejectattr, replace, reverse, round, safe, select, selectattr, sort, string, sum, title, tojson, trim
  case unique, upper

  /// - Throws: `TemplateError`, with a different one for what Jinja or the harness has.
  init(named name: String) throws(TemplateError) {
    let aliases = ["count": "length", "d": "default"]
    guard let filter = Filter(rawValue: aliases[name] ?? name) else {
      guard Filter.refused.contains(name) else { throw TemplateError(.syntax, "there is no filter \(name)") }
      throw TemplateError(.unsupported, "the filter \(name) is not supported")
    }
    self = filter
  }

  private static let refused: Set<String> = [
    "attr", "batch", "center", "e", "escape", "filesizeformat", "forceescape", "format", "groupby", "indent", "pprint",
    "random", "regex_replace", "slice", "striptags", "truncate", "urlencode", "urlize", "wordcount", "wordwrap",
    "xmlattr",
  ]
}

/// The tests that may follow `is`.
enum Test: String, Sendable {
  case boolean, defined, divisibleby, eq, even, `false`, float, ge, gt, `in`, integer, iterable, le, lower, lt, mapping
  case ne, none, number, odd, sequence, string, `true`, undefined, upper

  init(named name: String) throws(TemplateError) {
    guard let test = Test(rawValue: Test.aliases[name] ?? name) else {
      guard ["callable", "escaped", "filter", "sameas", "test"].contains(name) else {
        throw TemplateError(.syntax, "there is no test \(name)")
      }
      throw TemplateError(.unsupported, "the test \(name) is not supported")
    }
    self = test
  }

  private static let aliases = [
    "==": "eq", "equalto": "eq", "!=": "ne", ">": "gt", "greaterthan": "gt", ">=": "ge", "<": "lt", "lessthan": "lt",
    "<=": "le",
  ]
}
