// Statements and expressions as they are parsed. Expected values are what Python's jinja2 3.1.6 prints (scripts/jinja-oracle/render.py).
import { describePrints } from "../oracle/cases.ts";

describePrints("expressions", {
  prints: [
    ["{{ 1, 2 }}", "(1, 2)"],
    ["{{ 1 if false }}|", "|"],
    ["{{ 'a' if n == 1 else 'b' if n == 7 else 'c' }}", "b"],
    ["{{ not n == 1 }}", "True"],
    ["{{ -n|abs }}", "7"],
    ["{{ 3|string ~ 'a' }}", "3a"],
    ["{{ m|length - 1 }}", "2"],
    ["{{ n is divisibleby 7 and true }}", "True"],
    ["{{ n is divisibleby(7) is true }}", "True"],
    ["{{ 'x' is in ['x'] or y }}", "True"],
    ["{{ if }}", ""],
    ["{% set if = 3 %}{{ if }}", "3"],
    ["{{ dict(a=1,)|list }}", "['a']"],
    ["{{ '%s'|format(*[1]) }}{{ dict(**{'a': 1}) }}{{ dict(b=2, **{'a': 1}) }}", "1{'a': 1}{'b': 2, 'a': 1}"],
    ["{{ (l|first).foo }}|", "|"],
    ["{{ l[] }}", ""],
  ],
  refuses: [
    "{{ 1 is defined if yes else 2 }}",
    "{{ l|first.foo }}",
    "{{ f(a=1, 2) }}",
    "{{ f(a=1, a=2) }}",
    "{{ f(*l, 1) }}",
    "{{ 1 2 }}",
    "{{ }}",
    "{{ 'a' if true else }}",
    "{{ {1,2} }}",
    "{{ n is == 7 }}",
    "{{ dict(**l) }}",
  ],
});

describePrints("statements", {
  prints: [
    ["{% if 1, 2 %}a{% endif %}", "a"],
    ["{% if true: %}a{% endif %}", "a"],
    ["{% if false %}a{% elif n == 7 %}b{% else %}c{% endif %}", "b"],
    ["{% print 1, 2 %}|{% print %}|", "12||"],
    ["{% set a, b = 1, 2 %}{{ b }}{{ a }}", "21"],
    ["{% set (a, b) = 'xy' %}{{ a }}", "x"],
    ["{% set x = 1, 2 %}{{ x }}", "(1, 2)"],
    ["{% block a %}b{% endblock a %}", "b"],
    ["{% if false %}{% include 'x' %}{% endif %}ok", "ok"],
  ],
  refuses: [
    "{% endif %}",
    "{% if true %}",
    "{% foo %}",
    "{% do l.append(1) %}",
    "{% set true = 1 %}",
    "{% set [a] = [1] %}",
    "{% set x, = [1] %}",
    "{% set a, b = 1 %}",
    "{% set a, b = [1,2,3] %}",
    "{% for loop in l %}{% endfor %}",
    "{% if l if l else 3 %}a{% endif %}",
    "{% macro f(a, a) %}{% endmacro %}",
    "{% macro f(a=1, b) %}{% endmacro %}",
    "{% macro f(*a) %}x{% endmacro %}",
    "{% macro f(a,) %}{% endmacro %}",
    "{% call f %}{% endcall %}",
    "{% include 'x' %}",
    "{% import 'x' as y %}",
    "{% from 'x' import y %}",
    "{% extends 'x' %}",
    "{% block a %}{% endblock %}{% block a %}{% endblock %}",
    "{% block a-b %}{% endblock %}",
    "{% for x in l %}{% endfor x %}",
  ],
});

describePrints("unknown filters and tests", {
  prints: [
    ["{% if false %}{{ x|nofilter }}{% endif %}ok", "ok"],
    ["{{ 'a'|ord if false else 'k' }}", "k"],
    ["{{ 1 if true else (x is notest) }}", "1"],
  ],
  refuses: [
    "{{ x|nofilter }}",
    "{{ x is notest }}",
    "{% if false %}{% for x in [] %}{{ x|nofilter }}{% endfor %}{% endif %}ok",
    "{% if x|nofilter %}{% endif %}",
  ],
});
