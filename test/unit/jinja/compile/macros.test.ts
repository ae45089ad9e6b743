// Macros and call blocks. Expected values are what Python's jinja2 3.1.6 prints (scripts/jinja-oracle/render.py).
import { describePrints } from "../oracle/cases.ts";

describePrints("arguments", {
  prints: [
    ["{% macro f(x, y=2) %}{{ x }}{{ y }}{% endmacro %}{{ f(1) }}{{ f(1, y=5) }}{{ f(y=1, x=0) }}", "121501"],
    ["{% macro f(x) %}{{ x is defined }}{% endmacro %}{{ f() }}", "False"],
    ["{% macro f(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ f(1) }}{{ f(1, 2) }}", "1112"],
    ["{% macro f(a=b, b=1) %}{{ a }}{{ b }}{% endmacro %}{{ f() }}", "1"],
    ["{% macro f() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, a=2) }}", "(1,){'a': 2}"],
    ["{% macro f(x) %}{% if x > 0 %}{{ x }}{{ f(x-1) }}{% endif %}{% endmacro %}{{ f(3) }}", "321"],
    [
      "{% macro f(a) %}{{ f.name }}{{ f.arguments }}{{ f.catch_kwargs }}{{ f.catch_varargs }}{{ f.caller }}{{ f }}{% endmacro %}{{ f(1) }}",
      "f('a',)FalseFalseFalse<Macro 'f'>",
    ],
    ["{% macro f(x) %}a{{ x }}{% endmacro %}{{ f(1) ~ 'b' }}{{ f(2)|upper }}{{ f(3)|length }}", "a1bA22"],
  ],
  refuses: [
    "{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}",
    "{% macro f(a) %}{% endmacro %}{{ f(b=2) }}",
    "{% macro f(a) %}{% endmacro %}{{ f(1, a=2) }}",
    "{% macro f(varargs) %}{{ varargs }}{% endmacro %}{{ f(1, 2) }}",
  ],
});

describePrints("call blocks", {
  prints: [
    ["{% macro f() %}[{{ caller() }}]{% endmacro %}{% call f() %}hi{% endcall %}", "[hi]"],
    ["{% macro f() %}{{ caller(1, b=2) }}{% endmacro %}{% call(a, b=3) f() %}{{ a }}{{ b }}{% endcall %}", "12"],
    ["{% macro f(caller=2) %}{{ caller }}{% endmacro %}{{ f() }}{% call f() %}x{% endcall %}", "2<Macro anonymous>"],
    ["{% macro f() %}{{ kwargs.x }}{{ caller }}{% endmacro %}{% call f(x=5) %}{% endcall %}", "5<Macro anonymous>"],
  ],
  refuses: [
    "{% macro f() %}{{ caller() }}{% endmacro %}{{ f() }}",
    "{% macro f(caller) %}{{ caller }}{% endmacro %}{{ f(1) }}",
    "{% macro f() %}{% endmacro %}{% call f() %}{% endcall %}",
    "{% call range(3) %}{% endcall %}",
    "{% call dict() %}{% endcall %}",
    "{% call missing() %}{% endcall %}",
  ],
});

describePrints("set and filter blocks, autoescape", {
  prints: [
    ["{%- set x -%}  hi  {%- endset -%}[{{ x }}]", "[hi]"],
    ["{% set x | upper %}hi{% endset %}{{ x }}", "HI"],
    ["{% set x | trim | length %} hi {% endset %}{{ x + 1 }}", "3"],
    ["{% set ns = namespace() %}{% set ns.a %}x{% endset %}{{ ns.a }}", "x"],
    ["{% filter indent(2) %}a\nb{% endfilter %}", "a\n  b"],
    ["{% filter replace('a', n)|upper %}ab{% endfilter %}", "7B"],
    ["{% generation %}g{{ n }}{% endgeneration %}", "g7"],
    [
      "{% autoescape true %}{{ '<' }}{{ '<'|safe }}{{ '<' ~ '>' }}{% set y %}<i>{{ '<' }}{% endset %}{{ y }}{% endautoescape %}",
      "&lt;<&lt;&gt;<i>&lt;",
    ],
    // What jinja2 works out beforehand is not escaped where a value says so later.
    ["{% autoescape n %}{{ '<' }}{{ '<' ~ '>' }}{% endautoescape %}", "<<>"],
    [
      "{% autoescape n %}{% set v = '<' %}{{ v }}{{ v ~ '<b>' }}{{ '<' | upper }}{% endautoescape %}{{ '<' }}",
      "&lt;&lt;&lt;b&gt;&lt;<",
    ],
    ["{% set v = '<' %}{% autoescape missing %}{{ v }}{% endautoescape %}", "<"],
    ["{% set v = '<' %}{% autoescape n %}{% set q %}<i>{{ v }}{% endset %}{{ q }}{% endautoescape %}", "<i>&lt;"],
    ["{% set v = '<' %}{% autoescape n %}{% macro m() %}{{ v }}{% endmacro %}{{ m() }}{% endautoescape %}", "&lt;"],
    [
      "{% set v = '<' %}{% autoescape n %}{% autoescape false %}{{ v }}{% endautoescape %}{{ v }}{% endautoescape %}",
      "<&lt;",
    ],
    ["{% autoescape 1 %}{{ '<' }}{% endautoescape %}{% autoescape none %}{{ '<' }}{% endautoescape %}", "&lt;<"],
  ],
  refuses: ["{% filter length %}abc{% endfilter %}"],
});
