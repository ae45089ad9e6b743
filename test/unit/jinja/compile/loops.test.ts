// `{% for %}`. Expected values are what Python's jinja2 3.1.6 prints (scripts/jinja-oracle/render.py).
import { describePrints } from "../oracle/cases.ts";

describePrints("the variable loop", {
  prints: [
    [
      "{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }};{% endfor %}",
      "1043TrueFalse4;2132FalseFalse4;3221FalseFalse4;4310FalseTrue4;",
    ],
    ["{% for x in l %}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}", "1;32;12;2;"],
    [
      "{% for x in l %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }};{% endfor %}",
      "FalseTrue;TrueTrue;TrueTrue;TrueFalse;",
    ],
    ["{% for x in l %}{{ loop.cycle('a','b') }}{{ loop.changed(x) }}{% endfor %}", "aTruebTrueaTruebFalse"],
    [
      "{% for x in l|map('string') %}{{ loop.length }}{{ loop.revindex }}{{ loop.last }}{% endfor %}",
      "44False43False42False41True",
    ],
    [
      "{% for x in l %}{{ loop }}{{ loop|length }}{{ loop.zz }}{% endfor %}",
      "<LoopContext 1/4>4<LoopContext 2/4>4<LoopContext 3/4>4<LoopContext 4/4>4",
    ],
    [
      "{% for x in l %}{% set outer = loop %}{% for y in 'ab' %}{{ outer.index }}{{ y }}{% endfor %}{% endfor %}",
      "1a1b2a2b3a3b4a4b",
    ],
    ["{% for x in l %}{% for y in loop %}{{ y[0] }}-{% endfor %}{% endfor %}", "1-2-2-"],
    ["{{ loop }}", ""],
  ],
  refuses: ["{% for x in l %}{{ loop.cycle() }}{% endfor %}"],
});

describePrints("conditions, else, break and continue", {
  prints: [
    ["{% for x in l if x > 1 %}{{ x }}{{ loop.index }}{% else %}none{% endfor %}", "312223"],
    ["{% for x in l if x > 5 %}{{ x }}{% else %}none{% endfor %}", "none"],
    ["{% for x in missing %}x{% else %}none{% endfor %}", "none"],
    ["{% for x in l %}{% if x == 1 %}a{% continue %}{% endif %}{{ x }}{% endfor %}", "3a22"],
    ["{% for x in l %}{{ x }}{% if x == 1 %}{% break %}{% endif %}{% endfor %}", "31"],
    ["{% for x in l %}{% continue %}{% else %}E{% endfor %}", "E"],
    ["{% for x in l %}{% break %}{% else %}E{% endfor %}", "E"],
    ["{% for x in l %}{% set y %}a{% break %}{% endset %}{% endfor %}{{ y }}", ""],
    [
      "{% for x in l %}{{ x }}{% filter upper %}a{% if x == 1 %}{% break %}{% endif %}{% endfilter %}{% endfor %}",
      "3A1",
    ],
  ],
  refuses: [
    "{% for x in l if loop.index > 1 %}{{ x }}{% endfor %}",
    "{% for x in nul %}x{% endfor %}",
    "{% break %}",
    "{% for x in l %}{% macro f() %}{% break %}{% endmacro %}{% endfor %}",
    "{% for x in l %}{% generation %}{% break %}{% endgeneration %}{% endfor %}",
    "{% for x in l %}{% else %}{% break %}{% endfor %}",
  ],
});

describePrints("targets and recursion", {
  prints: [
    ["{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "b=1;a=x;n=None;t=True;f=1.5;l=[1, 'two'];"],
    ["{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "123"],
    ["{% for c in 'a🍰' %}{{ c }}.{% endfor %}", "a.🍰."],
    [
      "{% for x in [{'v':1,'c':[{'v':2}]}] recursive %}{{ x.v }}{% if x.c %}({{ loop(x.c) }}){% endif %}{% endfor %}",
      "1(2)",
    ],
    [
      "{% for x in l recursive %}{{ loop.depth }}{{ loop.depth0 }}{{ loop([]) }}{% else %}E{% endfor %}",
      "10E10E10E10E",
    ],
    ["{% for x in l if x > 1 recursive %}{{ x }}{% endfor %}", "322"],
  ],
  refuses: [
    "{% for a, b in [(1,)] %}{% endfor %}",
    "{% for a, b in l %}{% endfor %}",
    "{% for x in l %}{{ loop([1]) }}{% endfor %}",
  ],
});
