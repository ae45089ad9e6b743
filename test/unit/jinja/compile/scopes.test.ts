// Which variable a name means. Expected values are what Python's jinja2 3.1.6 prints (scripts/jinja-oracle/render.py).
import { describePrints } from "../oracle/cases.ts";

describePrints("loops, blocks and macros keep what they set", {
  prints: [
    ["{% set x = 1 %}{% for i in l %}{% set x = 2 %}{% endfor %}{{ x }}", "1"],
    ["{% for i in [1,2] %}{{ x }}{% set x = i %}{{ x }}{% endfor %}", "12"],
    ["{% set x = 1 %}{% with %}{{ x }}{% set x = 2 %}{{ x }}{% endwith %}{{ x }}", "121"],
    ["{% set x = 1 %}{% macro f() %}{{ x }}{% set x = 2 %}{{ x }}{% endmacro %}{{ f() }}{{ x }}", "121"],
    ["{% set x = 1 %}{% filter upper %}{% set x = 2 %}a{{ x }}{% endfilter %}{{ x }}", "A21"],
    ["{% set x = 1 %}{% set y %}{% set x = 2 %}{{ x }}{% endset %}{{ x }}{{ y }}", "12"],
    ["{% generation %}{% set z = 1 %}{% endgeneration %}{{ z }}", ""],
    ["{% for n in [1] %}{{ n }}{% endfor %}{{ n }}", "17"],
    ["{% with a = 1, b = n %}{{ a + b }}{% endwith %}", "8"],
    ["{% with a = 1, b = a %}{{ b }}{% endwith %}|", "|"],
  ],
});

describePrints("an if is no scope", {
  prints: [
    ["{% if true %}{% set x = 1 %}{% endif %}{{ x }}", "1"],
    ["{% if false %}{% set n = 1 %}{% endif %}{{ n }}", "7"],
    ["{% if false %}{% set n = 1 %}{% else %}{% set q = 1 %}{% endif %}{{ n }}", "7"],
    ["{% for i in [1,2] %}{% if i == 2 %}{% set n = i %}{% endif %}{{ n }}{% endfor %}{{ n }}", "727"],
    ["{{ n }}{% set n = 1 %}{{ n }}", "71"],
    ["{% set n = n + 1 %}{{ n }}", "8"],
    ["{% if true %}{% macro f() %}in{% endmacro %}{% endif %}{{ f() }}", "in"],
  ],
});

describePrints("macros see the variables around their definition as they are when called", {
  prints: [
    ["{% set y = 9 %}{% macro f() %}{{ y }}{% endmacro %}{{ f() }}{% set y = 8 %}{{ f() }}", "98"],
    ["{% macro f() %}{{ n }}{% endmacro %}{{ f() }}{% set n = 9 %}{{ n }}{{ f() }}", "99"],
    ["{% macro a1() %}{{ b1() }}{% endmacro %}{% macro b1() %}B{% endmacro %}{{ a1() }}", "B"],
  ],
});

describePrints("blocks see what was set at the top", {
  prints: [
    ["{% block a %}{% set x=1 %}{{ x }}{% endblock %}{{ x }}", "1"],
    ["{% set x=1 %}{% block a %}{{ x }}{% endblock %}", "1"],
    ["{% for x in l %}{% block a %}{{ x }}{% endblock %}{% endfor %}", ""],
    ["{% for x in l %}{% block a scoped %}{{ x }}{{ loop.index }}{% endblock %}{% endfor %}", "31122324"],
    ["{% block a %}A{% endblock %}{{ self.a() }}{{ self }}", "AA<TemplateReference None>"],
    ["{% if false %}{% block a %}x{% endblock %}{% endif %}{{ self.a() }}", "x"],
  ],
  refuses: ["{% block a %}{{ super() }}{% endblock %}", "{% block a required %}{% endblock %}", "{{ self.zz() }}"],
});
