import Testing

@testable import Templates

/// Every expectation was computed with Jinja 3.1, set up as the harness does.
struct TemplateTests {
  private static let row =
    """
    {'s': ' The cat ', 'q': "It's", 'n': 3, 'f': 2.5, 'l': ['b', 'A', 'c'],
     'd': {'items': 1, 'text': ['x', 'y'], 'label': ['A', 'B']}, 'e': '', 'none_': None,
     'rows': [{'a': 2, 't': 'two'}, {'a': 1, 't': 'one'}, {'a': 2, 't': 'Two'}], 'u': 'ßİ ΣΣ café'}
    """

  private func expectRendering(_ source: String, _ expected: String) throws {
    let row = try #require(try PythonLiteral.parse(TemplateTests.row).dictionary)
    let rendered = try Template(source).render(row)
    #expect(PythonString.equal(rendered, expected), "\(rendered)")
  }

  @Test(arguments: [
    ("{{ s }}|{{ n }}|{{ f }}|{{ none_ }}|{{ true }}", " The cat |3|2.5|None|True"),
    ("{{ l }}", "['b', 'A', 'c']"),
    ("{{ d }}", "{'items': 1, 'text': ['x', 'y'], 'label': ['A', 'B']}"),
    ("{{ (1,) }}{{ () }}{{ (1, \"a\") }}", "(1,)()(1, 'a')"),
    ("{{ [q, \"x\\\"'\"] }}", "[\"It's\", 'x\"\\'']"),
    ("{{ 1e16 }} {{ 0.1 }} {{ 1.0 }} {{ 1e-5 }} {{ 123456789012345.6 }}", "1e+16 0.1 1.0 1e-05 123456789012345.6"),
    ("{{ {\"a\": none, 1: [true]} }}", "{'a': None, 1: [True]}"),
    ("{{ 'a' \"b\" 'c' }}", "abc"),
    ("{{ 'tab\\tnl\\n\\x41\\u00e9\\101\\q\\é' }}", "tab\tnl\nAéA\\q\\xe9"),
    ("{{ \"two\nlines\" }}", "two\nlines"),
    ("{{ 0x1F }} {{ 0b11 }} {{ 0o17 }} {{ 1_000 }} {{ 1_0.5e1 }}", "31 3 15 1000 105.0"),
    (
      "{{ range(3) }} {{ range(1, 7, 2) }} {{ d.keys() }} {{ {1: []}.items() }}",
      "range(0, 3) range(1, 7, 2) dict_keys(['items', 'text', 'label']) dict_items([(1, [])])"
    ),
  ])
  func valuesPrintAsPython(source: String, expected: String) throws { try expectRendering(source, expected) }

  @Test(arguments: [
    ("{{ 1 + 2 * 3 - 4 / 2 }}", "5.0"),
    ("{{ -2 ** 2 }} {{ 2 ** -1 }} {{ 2 ** 3 ** 2 }}", "4 0.5 64"),
    ("{{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ -7.5 // 2 }} {{ -7.5 % 2 }} {{ 1 // -0.3 }}", "-4 2 -2 -4.0 0.5 -4.0"),
    ("{{ n + s|length }} {{ -5|abs }} {{ 2 * -n }}", "12 5 -6"),
    ("{{ 1 ~ \"a\" ~ none ~ [1] }}", "1aNone[1]"),
    ("{{ 1 ~ 1 * 2 }} {{ \"a\" * 3 }} {{ 2 * [1] }} {{ [1] + [2] }}", "12 aaa [1, 1] [1, 2]"),
    ("{{ 1 < 2 < 3 }} {{ 3 > 2 < 1 }} {{ 1 == 1.0 == true }}", "True False True"),
    ("{{ \"b\" in l }} {{ \"z\" not in l }} {{ \"at\" in s }} {{ \"items\" in d }}", "True True True True"),
    ("{{ not \"a\" in \"abc\" }}", "False"),
    ("{{ e or \"x\" }} {{ n and e }} {{ not e }} {{ 0 or none or [] }}", "x  True []"),
    ("{{ \"a\" if n > 2 else \"b\" }} {{ \"a\" if n > 9 }}| {{ 1 if 0 else 2 if 0 else 3 }}", "a | 3"),
    ("{{ [1, 2] < [1, 3] }} {{ \"a\" < \"B\" }} {{ (1,) == [1] }} {{ 2 in (1, 2.0) }}", "True False False True"),
    ("{{ 9007199254740993 == 9007199254740992.0 }} {{ 9007199254740993 > 9007199254740992.0 }}", "False True"),
    (
      "{{ 1 < 1.5 }} {{ 2 <= 2.0 }} {{ 2 < 2.0 }} {{ 2.5 >= 2 }} {{ -1 < -1.5 }} {{ 0 > 0.5 }} {{ 0 > -0.5 }}",
      "True True False True False False True"
    ),
    ("{{ [2, 2.5, 1.5, true]|sort }} {{ [2, 1.5]|min }} {{ 0.5 < 0 }}", "[True, 1.5, 2, 2.5] 1.5 False"),
    ("{{ true + true }} {{ -true }} {{ +f }} {{ 7 / 2 }}", "2 -1 2.5 3.5"),
  ])
  func operatorsAreJinjas(source: String, expected: String) throws { try expectRendering(source, expected) }

  @Test(arguments: [
    ("{{ d.text[1] }} {{ d[\"label\"].0 }} {{ d.text[-1] }}", "y A y"),
    ("{{ d[\"items\"] }} {{ d.items()|length }}", "1 3"),
    ("{{ s[1:4] }}|{{ s[:-1] }}|{{ s[::-1] }}|{{ s[10:] }}", "The| The cat| tac ehT |"),
    ("{{ l[1:] }} {{ l[::-2] }} {{ (1, 2, 3)[-2:] }} {{ u[1] }}", "['A', 'c'] ['c', 'b'] (2, 3) İ"),
    ("{{ d.label.index(\"B\") }} {{ l.index(\"c\", 1) }} {{ l.count(\"b\") }} {{ (1, 1).count(1) }}", "1 2 1 2"),
    (
      "{{ d.nope is defined }} {{ l[9] is defined }} {{ d.get(\"nope\") }} {{ d.get(\"nope\", 7) }}",
      "False False None 7"
    ),
    ("{{ d.get(\"items\") }}", "1"),
    ("{{ {1: \"one\"}[1.0] }} {{ {\"a\": 1}.a }} {{ rows[0].t }} {{ \"abc\"[1] }}", "one 1 two b"),
    ("{{ range(10)[2] }} {{ range(10)|length }} {{ 4 in range(0, 10, 2) }}", "2 10 True"),
    (
      "{{ dict(a=1, b=2) }} {{ dict([[\"x\", 1]], y=2) }} {{ dict(d, z=0)|length }}",
      "{'a': 1, 'b': 2} {'x': 1, 'y': 2} 4"
    ),
  ])
  func attributesAndItems(source: String, expected: String) throws { try expectRendering(source, expected) }

  @Test(arguments: [
    ("{{ s.strip() }}|{{ s.lstrip() }}|{{ s.rstrip() }}|{{ \"xxaxx\".strip(\"x\") }}", "The cat|The cat | The cat|a"),
    (
      "{{ \"a b  c\".split(\" \") }} {{ \" a  b \".split() }} {{ \"a,b,c\".split(\",\", 1) }}",
      "['a', 'b', '', 'c'] ['a', 'b'] ['a', 'b,c']"
    ),
    (
      "{{ \"a,b,c\".rsplit(\",\", 1) }} {{ \" a b c \".rsplit(none, 1) }} {{ \"a b\".split(maxsplit=0) }}",
      "['a,b', 'c'] [' a b', 'c'] ['a b']"
    ),
    ("{{ ' a b '.split(none, 1) }} {{ ' a '.split(none, 0) }}", "['a', 'b '] ['a ']"),
    ("{{ \"a--b\".replace(\"-\", \"+\", 1) }} {{ \"ab\".replace(\"\", \".\") }}", "a+-b .a.b."),
    ("{{ \", \".join(l) }} {{ \"-\".join(\"ab\") }}", "b, A, c a-b"),
    (
      "{{ u.lower() }} {{ u.upper() }} {{ u.title() }} {{ u.capitalize() }}",
      "ßi\u{307} σς café SSİ ΣΣ CAFÉ Ssi\u{307} Σς Café Ssi\u{307} σς café"
    ),
    ("{{ \"abcabc\".find(\"c\") }} {{ \"abcabc\".rfind(\"c\") }} {{ \"abc\".find(\"z\") }}", "2 5 -1"),
    ("{{ \"abcabc\".index(\"b\", 2) }} {{ \"aéb\".rfind(\"b\") }} {{ \"abc\".find(\"\", 4) }}", "4 2 -1"),
    (
      "{{ \"aXbX\".partition(\"X\") }} {{ \"aXbX\".rpartition(\"X\") }} {{ \"ab\".partition(\"X\") }}",
      "('a', 'X', 'bX') ('aXb', 'X', '') ('ab', '', '')"
    ),
    ("{{ \"ab\".rpartition(\"X\") }}", "('', '', 'ab')"),
    ("{{ \"abc\".startswith(\"ab\") }} {{ \"abc\".endswith((\"x\", \"c\")) }}", "True True"),
    ("{{ \"abc\".startswith(\"b\", 1) }}", "True"),
    ("{{ \"7\".zfill(3) }} {{ \"-7\".zfill(3) }} {{ \"a\".center(4, \"*\") }}", "007 -07 *a**"),
    ("{{ \"ab\".center(5) }}| {{ \"a\".ljust(2) }}| {{ \"a\".rjust(3, \"0\") }}", "  ab | a | 00a"),
    ("{{ \"a\\nb\\r\\nc\".splitlines() }} {{ \"a\\nb\".splitlines(true) }}", "['a', 'b', 'c'] ['a\\n', 'b']"),
    (
      "{{ \"12\".isdigit() }} {{ \"\".isalpha() }} {{ \"aB\".islower() }} {{ \"É1\".isupper() }}",
      "True False False True"
    ),
    ("{{ \"½\".isnumeric() }}", "True"),
    ("{{ \"abc\".removeprefix(\"a\").removesuffix(\"c\") }} {{ \"aaa\".count(\"aa\") }}", "b 1"),
  ])
  func methods(source: String, expected: String) throws { try expectRendering(source, expected) }

  @Test(arguments: [
    ("{{ l|join }} {{ l|join(\", \") }} {{ [1, none]|join(\"-\") }}", "bAc b, A, c 1-None"),
    ("{{ rows|join(\"/\", attribute=\"t\") }}", "two/one/Two"),
    (
      "{{ l|sort }} {{ l|sort(reverse=true) }} {{ l|sort(case_sensitive=true) }}",
      "['A', 'b', 'c'] ['c', 'b', 'A'] ['A', 'b', 'c']"
    ),
    ("{{ rows|sort(attribute=\"a\")|map(attribute=\"t\")|list }}", "['one', 'two', 'Two']"),
    ("{{ rows|sort(attribute=\"a,t\")|map(attribute=\"t\")|list }}", "['one', 'two', 'Two']"),
    ("{{ l|first }} {{ l|last }} {{ []|first is defined }} {{ \"abc\"|last }}", "b c False c"),
    ("{{ l|map(\"upper\")|list }} {{ rows|map(attribute=\"a\")|sum }}", "['B', 'A', 'C'] 5"),
    ("{{ rows|map(attribute=\"z\", default=0)|list }} {{ none|map(\"upper\")|list }}", "[0, 0, 0] []"),
    ("{{ [1, \"a\", none]|select(\"string\")|list }} {{ [0, 1, 2]|select|list }}", "['a'] [1, 2]"),
    ("{{ [1, 2, 3]|reject(\"odd\")|list }}", "[2]"),
    ("{{ rows|selectattr(\"a\", \"eq\", 2)|map(attribute=\"t\")|join(\",\") }}", "two,Two"),
    ("{{ rows|rejectattr(\"a\", \"gt\", 1)|list }}", "[{'a': 1, 't': 'one'}]"),
    ("{{ rows|map(attribute=\"t\")|unique|list }} {{ [\"a\", \"A\", 1]|unique|list }}", "['two', 'one'] ['a', 1]"),
    ("{{ [\"a\", \"A\"]|unique(case_sensitive=true)|list }}", "['a', 'A']"),
    ("{{ \"42\"|int }} {{ \" 4_2 \"|int }} {{ \"4.7\"|int }} {{ \"x\"|int }} {{ \"x\"|int(9) }}", "42 42 4 0 9"),
    ("{{ \"0x1f\"|int(base=16) }} {{ -2.9|int }} {{ none|int }} {{ \"٣\"|int }}", "31 -2 0 3"),
    (
      "{{ \"1.5\"|float }} {{ \"x\"|float }} {{ \"inf\"|float }} {{ 3|float }} {{ \".5\"|float }}",
      "1.5 0.0 inf 3.0 0.5"
    ),
    ("{{ \"1e400\"|float }}", "inf"),
    (
      "{{ 2.5|round }} {{ 3.5|round }} {{ 2.675|round(2) }} {{ 2.1|round(0, \"ceil\") }} {{ 7|round }}",
      "2.0 4.0 2.67 3.0 7"
    ),
    ("{{ 7|round(1, \"floor\") }} {{ -0.4|round }}", "7.0 -0.0"),
    (
      "{{ s|trim }}|{{ s|upper }}|{{ s|replace(\"cat\", \"dog\") }}|{{ 121|replace(1, 3) }}|{{ \"xax\"|trim(\"x\") }}",
      "The cat| THE CAT | The dog |323|a"
    ),
    (
      "{{ \"o'neill mc-donald (ab)\"|title }} {{ \"o'neill\".title() }} {{ 'éCOLE'|capitalize }}",
      "O'neill Mc-Donald (Ab) O'Neill École"
    ),
    ("{{ nope|default(\"x\") }} {{ e|default(\"x\") }}| {{ e|default(\"x\", true) }} {{ nope|d }}|", "x | x |"),
    ("{{ l|length }} {{ s|length }} {{ d|count }} {{ u|length }}", "3 9 3 10"),
    ("{{ l|reverse|list }} {{ \"abc\"|reverse }} {{ -3|abs }} {{ l|min }} {{ l|max }}", "['c', 'A', 'b'] cba 3 A c"),
    ("{{ rows|max(attribute=\"a\") }}", "{'a': 2, 't': 'two'}"),
    (
      "{{ {\"b\": [1, 2.5, none], \"a\": \"<é'>&\\\"\\n\"}|tojson }} {{ [1]|tojson(indent=2) }}",
      "{\"a\": \"\\u003c\\u00e9\\u0027\\u003e\\u0026\\\"\\n\", \"b\": [1, 2.5, null]} [\n  1\n]"
    ),
    ("{{ {2: 0, 10: 1}|tojson }}", "{\"2\": 0, \"10\": 1}"),
    ("{{ d|dictsort|first }} {{ {\"b\": 1, \"A\": 2}|dictsort }}", "('items', 1) [('A', 2), ('b', 1)]"),
    (
      "{{ {\"b\": 1, \"A\": 2}|dictsort(by=\"value\", reverse=true) }} {{ d|items|list|length }}",
      "[('A', 2), ('b', 1)] 3"
    ),
    ("{{ 5|string ~ 1 }} {{ \"ab\"|list }} {{ d|list }}", "51 ['a', 'b'] ['items', 'text', 'label']"),
  ])
  func filters(source: String, expected: String) throws { try expectRendering(source, expected) }

  @Test(arguments: [
    ("{{ n is odd }} {{ n is even }} {{ 9 is divisibleby 3 }} {{ n is divisibleby(2) }}", "True False True False"),
    (
      "{{ nope is defined }} {{ nope is undefined }} {{ nope is not defined }} {{ e is defined }}",
      "False True True True"
    ),
    (
      "{{ none_ is none }} {{ n is not none }} {{ s is string }} {{ l is sequence }} {{ d is mapping }}",
      "True True True True True"
    ),
    (
      "{{ n is number }} {{ true is number }} {{ true is integer }} {{ f is float }} {{ l is iterable }}",
      "True True False True True"
    ),
    ("{{ n is iterable }}", "False"),
    ("{{ \"ab\" is lower }} {{ \"AB\" is upper }} {{ true is boolean }} {{ 1 is true }}", "True True True False"),
    ("{{ false is false }}", "True"),
    (
      "{{ n is eq 3 }} {{ n is ne(3) }} {{ n is gt 2 }} {{ n is le 2 }} {{ n is in [1, 3] }}",
      "True False True False True"
    ),
    ("{{ n is lessthan 4 and n is ge 3 }}", "True"),
    ("{{ not n is none }} {{ \"x\" if n is defined else \"y\" }}", "True x"),
  ])
  func tests(source: String, expected: String) throws { try expectRendering(source, expected) }

  @Test(arguments: [
    ("{% if n == 1 %}a{% elif n == 3 %}b{% else %}c{% endif %}", "b"),
    ("{% if e %}a{% endif %}|{% if l %}b{% endif %}", "|b"),
    ("{% for x in l %}{{ loop.index }}{{ x }}{{ \",\" if not loop.last }}{% endfor %}", "1b,2A,3c"),
    ("{% for x in [] %}a{% else %}none{% endfor %}", "none"),
    ("{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "items=1;text=['x', 'y'];label=['A', 'B'];"),
    ("{% for x in l if x != \"A\" %}{{ x }}{{ loop.length }}{% endfor %}", "b2c2"),
    ("{% for (a, b), c in [((1, 2), 3)] %}{{ a + b + c }}{% endfor %}", "6"),
    (
      "{% for x in \"ab\" %}{% for y in range(2) %}{{ x }}{{ y }}{{ loop.first }} {% endfor %}{% endfor %}",
      "a0True a1False b0True b1False "
    ),
    (
      "{% for x in l %}{{ loop.previtem|d('-') }}{{ loop.nextitem|d('-') }}{{ loop.revindex }} {% endfor %}",
      "-A3 bc2 A-1 "
    ),
    (
      "{% for x in l %}{{ loop.cycle('o', 'e') }}{{ loop.changed(x|lower == 'a') }} {% endfor %}",
      "oTrue eTrue oTrue "
    ),
    ("{% set x = 1 %}{% for i in l %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}", "2221"),
    (
      "{% set ns = namespace(c=0, k=\"z\") %}{% for i in l %}{% set ns.c = ns.c + 1 %}{% endfor %}{{ ns.c }}{{ ns.k }}",
      "3z"
    ),
    (
      "{% set n = namespace(s=[]) %}{% for x in [1,2,1] if x not in n.s %}{{ x }}{% set n.s = n.s + [x] %}{% endfor %}",
      "12"
    ),
    ("{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set t = 1, %}{{ t }}", "12(1,)"),
    ("{% set b %} x {{ n }} {% endset %}{{ b }}|{% set b | upper | trim %} y {% endset %}{{ b }}", " x 3 |Y"),
    ("{% set n = n + 1 %}{{ n }}", "4"),
    ("{% with n = 5, m = n %}{{ n }}{{ m }}{% endwith %}{{ n }}", "533"),
    ("{% filter upper %}a{{ q }}{% endfilter %}", "AIT'S"),
    ("{% if true %}{% set z = 1 %}{% endif %}{{ z }}", "1"),
  ])
  func statements(source: String, expected: String) throws { try expectRendering(source, expected) }

  @Test(arguments: [
    ("a {%- if true %} b {% endif -%} c", "a b c"),
    ("a {{- n -}} b", "a3b"),
    ("{%+ if true +%} x {% endif %}\n", " x \n"),
    ("  {# comment #}  x {#- c -#}  y", "    xy"),
    ("{% raw %} {{ x }} {% y %} {% endraw %}|{%- raw -%} {# {% endraw -%} z", " {{ x }} {% y %} |{# z"),
    ("x\r\ny\rz\n", "x\ny\nz\n"),
    ("{{ {\"a\": {\"b\": 1}}.a.b }}}} {", "1}} {"),
    ("{{\"{{\"}} {{ \"%}\" }} {{\n n\n}}", "{{ %} 3"),
  ])
  func whitespaceAndTags(source: String, expected: String) throws { try expectRendering(source, expected) }

  /// The value itself, not its text, if the template is one expression.
  @Test(arguments: [
    ("{{ d.text }}", PythonValue.list([.string("x"), .string("y")])), ("{{ n + 1 }}", .integer(4)),
    ("{{ none_ }}", .none), (" {{ n }}", .string(" 3")), ("{{ n }}{{ n }}", .string("33")), ("text", .string("text")),
    ("{{ d['text'][0] }}", .string("x")), ("{{ range(2) }}", .string("range(0, 2)")), ("{# c #}{{ n }}", .integer(3)),
  ])
  func valueOfOneExpression(source: String, expected: PythonValue) throws {
    let row = try #require(try PythonLiteral.parse(TemplateTests.row).dictionary)
    #expect(try Template(source).value(row) == expected)
  }
}
