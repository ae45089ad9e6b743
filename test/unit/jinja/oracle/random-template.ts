// Random templates: statements within statements, with every kind of sign at their tags and blanks between them.
import fc from "fast-check";
import { condition, expression } from "./random-expression.ts";

const begin = fc.constantFrom("{%", "{%", "{%", "{%-", "{%+");
const end = fc.constantFrom("%}", "%}", "%}", "-%}", "+%}");
const open = fc.constantFrom("{{", "{{", "{{-");
const close = fc.constantFrom("}}", "}}", "-}}");

const text = fc.constantFrom(
  "",
  "a",
  "b\n",
  " \n ",
  "\n",
  "  ",
  "x y",
  "\n\n  c",
  "\t",
  "\r\n",
  "<|im_start|>",
  "{ }",
  "#}",
  "\u00a0",
);
const name = fc.constantFrom("x", "y", "z", "s", "n", "item");

/** A tag with random signs. */
function tag(content: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(begin, content, end).map(([from, inside, to]) => `${from} ${inside} ${to}`);
}

function joined(...parts: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> {
  return fc.tuple(...parts).map((pieces) => pieces.join(""));
}

function fixed(content: string): fc.Arbitrary<string> {
  return tag(fc.constant(content));
}

const { body } = fc.letrec<{ body: string; statement: string; loopBody: string }>((tie) => ({
  body: fc.array(tie("statement"), { maxLength: 4, size: "small" }).map((statements) => statements.join("")),
  loopBody: fc
    .tuple(
      tie("body"),
      fc.constantFrom(
        "",
        "",
        "{% break %}",
        "{% continue %}",
        "{% if loop.index > 1 %}{% break %}{% endif %}",
        "{% if loop.first %}{% continue %}{% endif %}",
      ),
      tie("body"),
    )
    .map((parts) => parts.join("")),
  statement: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    { weight: 4, arbitrary: text },
    { weight: 6, arbitrary: fc.tuple(open, expression, close).map(([from, value, to]) => `${from} ${value} ${to}`) },
    { weight: 2, arbitrary: fc.tuple(open, name, close).map(([from, value, to]) => `${from} ${value} ${to}`) },
    { weight: 3, arbitrary: tag(fc.tuple(name, expression).map(([target, value]) => `set ${target} = ${value}`)) },
    {
      weight: 2,
      arbitrary: joined(
        tag(condition.map((test) => `if (${test})`)),
        tie("body"),
        fixed("else"),
        tie("body"),
        fixed("endif"),
      ),
    },
    {
      weight: 1,
      arbitrary: joined(
        tag(condition.map((test) => `if ${test}`)),
        tie("body"),
        tag(condition.map((test) => `elif ${test}`)),
        tie("body"),
        fixed("endif"),
      ),
    },
    {
      weight: 2,
      arbitrary: joined(
        tag(fc.tuple(name, expression).map(([item, items]) => `for ${item} in (${items})`)),
        tie("loopBody"),
        fixed("endfor"),
      ),
    },
    {
      weight: 2,
      arbitrary: joined(
        tag(
          fc.constantFrom(
            "for x in l",
            "for x in ls",
            "for k, v in d.items()",
            "for x in m if x.k",
            "for x in range(3)",
            "for x in s",
            "for x in [1, [2, [3]]] recursive",
            "for x in ln if x > 1",
            "for x in [] ",
            "for a, b in [(1, 2), (3, 4)]",
            "for x in ls|map('upper')",
          ),
        ),
        tie("loopBody"),
        fc.constantFrom("", "{% else %}E"),
        fixed("endfor"),
      ),
    },
    {
      weight: 1,
      arbitrary: joined(
        fixed("for x in [[1, []], [2, [[3, []]]]] recursive"),
        fc.constant("{{ x[0] }}{{ loop.depth }}({{ loop(x[1]) }})"),
        tie("body"),
        fixed("endfor"),
      ),
    },
    {
      weight: 1,
      arbitrary: joined(
        tag(
          fc
            .tuple(name, fc.constantFrom("", "|upper", "|trim|length", "|replace('a', 'b')"))
            .map(([target, filter]) => `set ${target}${filter === "" ? "" : ` ${filter}`}`),
        ),
        tie("body"),
        fixed("endset"),
      ),
    },
    {
      weight: 1,
      arbitrary: joined(
        tag(fc.tuple(name, expression).map(([target, value]) => `with ${target} = ${value}`)),
        tie("body"),
        fixed("endwith"),
      ),
    },
    {
      weight: 1,
      arbitrary: joined(
        tag(fc.constantFrom("macro g(x, y=n)", "macro g(x=1)", "macro g()", "macro g(x, y=x, z=y)")),
        tie("body"),
        fixed("endmacro"),
        fc.constantFrom(
          "{{ g(1) }}",
          "{{ g() }}",
          "{{ g(1, 2, 3) }}",
          "{{ g(x=2) }}",
          "{{ g(q=1) }}",
          "{% call g(1) %}c{{ n }}{% endcall %}",
          "{% call(q) g(5) %}{{ q }}{% endcall %}",
          "{{ g }}{{ g.arguments }}",
        ),
      ),
    },
    {
      weight: 1,
      arbitrary: joined(
        tag(
          fc.constantFrom(
            "filter upper",
            "filter indent(2)",
            "filter trim|upper",
            "filter replace('a', s)",
            "filter title",
            "filter length",
          ),
        ),
        tie("body"),
        fixed("endfilter"),
      ),
    },
    { weight: 1, arbitrary: joined(fixed("generation"), tie("body"), fixed("endgeneration")) },
    {
      weight: 1,
      arbitrary: joined(begin, fc.constantFrom(" raw %}", " raw -%}"), fc.constant(" {{ x }} \n"), fixed("endraw")),
    },
    { weight: 1, arbitrary: fc.constantFrom("{# c #}", "{#- c -#}", "{# c -#}", "  {# c #}\n", "{#+ c +#}\n") },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "{% set ns = namespace(a=1) %}{% for q in ls %}{% set ns.a = ns.a ~ q %}{% endfor %}{{ ns.a }}",
        "{% set ns = namespace() %}{% set ns.x = l %}{{ ns.x }}{{ ns.y }}",
        "{% set a, b = 'pq' %}{{ b }}{{ a }}",
        "{% print n, s %}",
        "{{ raise_exception('no') if missing }}",
      ),
    },
  ),
}));

/** Templates. */
export const template: fc.Arbitrary<string> = fc.oneof(
  { weight: 1, arbitrary: expression.map((value) => `{{ ${value} }}`) },
  { weight: 1, arbitrary: body },
);

const anyText = fc.oneof(
  fc.constantFrom(
    "",
    "Hello World",
    "a,b,,c",
    " padded \n",
    "na\u00efve \ud83c\udf70 <b>&'\"",
    "12",
    "\u00df\u0131",
    "line\nline\r\nline",
    "%s {} %d",
    "\u03a3\u03a3 \u01c6",
    "a\u2028b\u0000c",
  ),
  // Characters that every version of Unicode in use agrees on.
  fc.string({
    maxLength: 8,
    unit: fc.constantFrom(
      ..."aBz09 _-.,\t\n'\"\\\u0001\u007f\u00a0\u00ad\u0130\u01c5\u0345\u03a3\u10d0\u13a0\u1e9e\u1f80\u200b\u2167\u3000\u4e03\u{1d7ce}\u{1f600}\u{10ffff}",
    ),
  }),
);
const anyInteger = fc.oneof(fc.integer({ min: -12, max: 12 }), fc.constantFrom(2 ** 40, -(2 ** 53) + 1));
const anyFloat = fc.oneof(
  fc.constantFrom(0.5, -2.5, 1.5, 2.71, 1e21 + 1e5, 1.25e-7, 123456.789),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Number.isInteger(value)),
);
const scalar = fc.oneof(fc.constant(null), fc.boolean(), anyInteger, anyFloat, anyText);
const message = fc.record(
  {
    role: fc.constantFrom("user", "assistant", "system", "User"),
    content: fc.oneof(anyText, fc.constantFrom("U", "V", "a")),
    k: fc.constantFrom(1, 2, 0),
  },
  { requiredKeys: ["role", "content"] },
);

/** Variables for random templates, as JSON has them. */
export const variables = fc.record({
  s: anyText,
  t: anyText,
  n: anyInteger,
  i: fc.integer({ min: 0, max: 5 }),
  f: anyFloat,
  b: fc.boolean(),
  nul: fc.constant(null),
  l: fc.array(scalar, { maxLength: 4 }),
  ls: fc.array(anyText, { maxLength: 4 }),
  ln: fc.array(fc.oneof(anyInteger, anyFloat), { maxLength: 4 }),
  d: fc.dictionary(
    fc.constantFrom("a", "b", "c", "items", "A", "x y"),
    fc.oneof(scalar, fc.array(scalar, { maxLength: 2 })),
    { maxKeys: 4 },
  ),
  m: fc.array(message, { minLength: 1, maxLength: 4 }),
});
