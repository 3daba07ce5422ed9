import Testing

@testable import Templates

struct TemplateErrorTests {
  private func error(_ source: String, row: PythonDictionary = ["a": .string("x"), "l": .list([.integer(1)])])
    -> TemplateError?
  {
    do throws(TemplateError) {
      _ = try Template(source).render(row)
      return nil
    } catch { return error }
  }

  @Test(arguments: [
    "{{", "{{ }}", "{{ a", "{{ a }", "{%", "{% if a %}", "{% if %}{% endif %}", "{% endif %}",
    "{% for x %}{% endfor %}",
    "{% for 1 in l %}{% endfor %}", "{% for loop in l %}{% endfor %}", "{% set %}", "{% set 1 = 2 %}",
    "{% set true = 2 %}",
    "{# a", "{% raw %}", "{{ 'a }}", "{{ (a }}", "{{ a] }}", "{{ (a] }}", "{{ a b }}", "{{ a. }}", "{{ a[ }}",
    "{{ a[] }}",
    "{{ a | }}", "{{ a|nope }}", "{{ a is }}", "{{ a is nope }}", "{{ a is defined is defined }}", "{{ a ! b }}",
    "{{ a $ }}",
    "{{ f(a=1, 2) }}", "{{ f(a=1, a=2) }}", "{{ '\\x4' }}", "{{ 007 }}", "{% else %}", "{% nope %}", "{{ [1 2] }}",
    "{{ {1} }}", "{{ a; }}", "{{ ~ }}", "{% if a %}{% else %}{% elif a %}{% endif %}", "{% for x in l %}{% endif %}",
  ])
  func notATemplate(source: String) {
    // What is found when a call is rendered, Python's compiler finds before.
    #expect(error(source, row: ["a": .string("x"), "f": .string(""), "l": .list([])])?.kind == .syntax)
  }

  @Test(arguments: [
    "{% macro m() %}{% endmacro %}", "{% include 'x' %}", "{% block b %}{% endblock %}", "{% do a %}", "{% break %}",
    "{{ a|regex_replace('a', 'b') }}", "{{ l|random }}", "{{ a|escape }}", "{{ a is sameas(a) }}", "{{ l.append(1) }}",
    "{{ a.format(1) }}", "{{ '%s' % a }}", "{{ a.__class__ }}", "{{ f(*l) }}", "{{ self }}", "{{ cycler(1) }}",
    "{{ l|map('string') }}", "{{ a.upper }}", "{{ l|tojson + a }}", "{{ '\\ud800' }}", "{{ '\\N{DASH}' }}",
    "{% for x in l recursive %}{% endfor %}", "{{ [range(3)] }}", "{{ l[1:2, 3] }}",
  ])
  func notSupported(source: String) { #expect(error(source)?.kind == .unsupported) }

  @Test(arguments: [
    ("{{ nope }}", "line 1: nope is undefined"), ("\n\n{{ nope }}", "line 3: nope is undefined"),
    ("{% if true %}\r\n{% set x = nope + 1 %}{% endif %}", "line 2: nope is undefined"),
    ("{{ a.nope }}", "line 1: a str has no attribute nope"), ("{{ l[3] }}", "line 1: a list has no element 3"),
    ("{% for x in nope %}{% endfor %}", "line 1: nope is undefined"), ("{{ [nope] }}", "line 1: nope is undefined"),
    ("{{ nope == 1 }}", "line 1: nope is undefined"), ("{{ nope.x }}", "line 1: nope is undefined"),
    ("{{ not nope }}", "line 1: nope is undefined"), ("{{ nope|string }}", "line 1: nope is undefined"),
    ("{% for i in l %}{{ loop.previtem }}{% endfor %}", "line 1: there is no previous item"),
    ("{{ []|first }}", "line 1: there is no first element: the sequence is empty"),
    ("{% set x = 1 %}{{ loop }}", "line 1: loop is undefined"),
  ])
  func undefinedNamesAreErrors(source: String, expected: String) {
    let error = error(source)
    #expect(error?.kind == .undefined)
    #expect(error?.description == expected)
  }

  @Test(arguments: [
    "{{ 1 + 'a' }}", "{{ 'a' < 1 }}", "{{ none + 1 }}", "{{ 1 in 'a' }}", "{{ 1 in 2 }}", "{{ -a }}", "{{ a() }}",
    "{{ a.strip(1) }}", "{{ a.upper(1) }}", "{{ a|length(1) }}", "{{ 1|length }}", "{{ a[1:'b'] }}", "{{ {[]: 1} }}",
    "{% for x in 1 %}{% endfor %}", "{{ [1, 'a']|sort }}", "{{ a.join([1]) }}", "{% set a.b = 1 %}", "{{ a|sum }}",
    "{{ a is divisibleby }}", "{{ a.replace('x') }}", "{{ range() }}", "{{ [[]]|unique|list }}",
  ])
  func wrongTypes(source: String) { #expect(error(source)?.kind == .type) }

  @Test(arguments: [
    "{{ 1 / 0 }}", "{{ 1 % 0 }}", "{{ 1.0 // 0 }}", "{{ 0 ** -1 }}", "{{ l.index(5) }}", "{{ a.index('z') }}",
    "{{ a.split('') }}", "{{ l[::0] }}", "{{ range(1, 2, 0) }}", "{% set x, y = l %}", "{{ 1e308 ** 2 }}",
  ])
  func operationsWithoutResult(source: String) { #expect(error(source)?.kind == .value) }

  @Test(arguments: [
    "{{ 9223372036854775807 + 1 }}", "{{ -9223372036854775807 - 2 }}", "{{ 9223372036854775807 * 2 }}",
    "{{ 10 ** 30 }}",
    "{{ 9223372036854775808 }}", "{{ '9' * 30|int }}", "{{ ('9' * 30)|int }}", "{{ 1e30|int }}",
    "{{ (-9223372036854775807 - 1) // -1 }}", "{{ 9007199254740993 / 1 }}",
  ])
  func integersDoNotOverflow(source: String) {
    // The third but last is a text of digits: a filter binds tighter than *.
    #expect(error(source)?.kind == (source.contains("'9' * 30|int") ? nil : .limit))
  }

  @Test(arguments: [
    String(repeating: "{{ (", count: 1) + String(repeating: "(", count: 5000),
    "{{ " + String(repeating: "not ", count: 5000) + "1 }}", "{{ " + String(repeating: "-", count: 5000) + "1 }}",
    String(repeating: "{% if 1 %}", count: 500), "{{ 1" + String(repeating: " if 1 else 1", count: 5000) + " }}",
    "{{ 1" + String(repeating: " if 1", count: 5000) + " }}", "{{ 'a' * 1000000000000 }}", "{{ [0] * 1000000000 }}",
    "{% for i in range(1000000000) %}{% endfor %}", "{{ 'a'.center(9223372036854775807) }}",
    "{% set n = namespace(a=[]) %}{% for i in range(1000) %}{% set n.a = [n.a] %}{% endfor %}",
    "{% set n = namespace(a=[1]) %}{% for i in range(60) %}{% set n.a = [n.a, n.a] %}{% endfor %}{{ n.a }}",
    "{% set n = namespace(a=[1]) %}{% for i in range(60) %}{% set n.a = n.a + n.a %}{% endfor %}",
    "{% set n = namespace(a='a') %}{% for i in range(60) %}{% set n.a = n.a ~ n.a %}{% endfor %}",
    "{% for i in range(9999) %}{% for j in range(9999) %}{% for k in [1, 2] %}{% endfor %}{% endfor %}{% endfor %}",
  ])
  func hostileTemplatesEnd(source: String) { #expect(error(source)?.kind == .limit) }

  @Test func longChainsAreNoNesting() throws {
    #expect(try Template("{{ 0" + String(repeating: " + 1", count: 5000) + " }}").render([:]) == "5000")
    #expect(try Template("{{ 1" + String(repeating: "|string", count: 5000) + " }}").render([:]) == "1")
    #expect(try Template("{{ 1" + String(repeating: " and 1", count: 5000) + " }}").render([:]) == "1")
  }

  @Test func hostileRowsEnd() {
    let row: PythonDictionary = [
      "a": .string(String(repeating: "a", count: 200_000)),
      "b": .string(String(repeating: "a", count: 100_000) + "b"),
    ]
    #expect(error("{{ b in a }}{{ a.count(b) }}{{ a|replace(b, '')|length }}", row: row) == nil)
    #expect(error("{{ a|replace('a', a) }}", row: row)?.kind == .limit)
    #expect(error("{{ a.replace('', a) }}", row: row)?.kind == .limit)
  }
}
