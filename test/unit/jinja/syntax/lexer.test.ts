// Tags, blanks and literals. Expected values are what Python's jinja2 3.1.6 prints (scripts/jinja-oracle/render.py).
import { describePrints } from "../oracle/cases.ts";

describePrints("blanks around tags", {
  prints: [
    ["{% if true %}\n  a\n{% endif %}\nb", "  a\nb"],
    ["a\n  {%- if true %} b {%- endif %}\nc", "a bc"],
    ["a\n\n{% set x = 1 %}\n\nb", "a\n\n\nb"],
    ["{%+ if true %}\n a{% endif %}", " a"],
    ["{% if true +%}\na{% endif %}", "\na"],
    ["  {%+ if true %}a{% endif %}", "  a"],
    ["x  {% if true %}a{% endif %}", "x  a"],
    ["\t{% if true %}\n\ta\n\t{% endif %}\n", "\ta\n"],
    ["{{ 'a' }}\n{{ 'b' }}\n", "a\nb"],
    ["a\n\n", "a\n"],
    ["\n{{ n }}\n", "\n7"],
    ["{{- 'x' -}}\n\n", "x"],
    ["a  {{- 'b' }}", "ab"],
    ["  {# c #}\na", "a"],
    ["  {#- c -#}\n a", "a"],
    ["a {#+ c +#}\nb", "a \nb"],
    ["{% raw %}\n {{ x }} \n{% endraw %}\nb", "\n {{ x }} \nb"],
    ["{% raw -%}  x  {%- endraw %}|", "x|"],
    ["  {% raw %}a{% endraw %}", "a"],
    ["{%\nif true\n%}a{%\nendif\n%}", "a"],
    ["{% for x in l %}\n  {{ x }}\n{% endfor %}\n", "  3\n  1\n  2\n  2\n"],
    ["{{ '{{' }}{{ '}}' }}{{ '{%' }}{# {{ x }} #}", "{{}}{%"],
    ["{{ {'a': {'b': 1}} }}", "{'a': {'b': 1}}"],
    ["a\r\n{% if true %}\r\nb\r\n{% endif %}\r\n", "a\nb\n"],
    ["a\rb", "a\nb"],
    [" {%- if true %}a{% endif %}", "a"],
  ],
});

describePrints("literals", {
  prints: [
    ["{{ 1_000 }}", "1000"],
    ["{{ 0x1f }}", "31"],
    ["{{ 0b11 }}", "3"],
    ["{{ 0o17 }}", "15"],
    ["{{ 1e3 }}", "1000.0"],
    ["{{ 1.5e-3 }}", "0.0015"],
    ["{{ 1_0.5 }}", "10.5"],
    ["{{ 12345678901234567890 }}", "12345678901234567890"],
    ["{{ 'a' 'b' }}", "ab"],
    ['{{ "a\\tb\\x41\\u00e9\\U0001F600\\101\\q" }}', "a\tbAé😀A\\q"],
    ["{{ {1:'a', 2:'b'}[2] }}", "b"],
    ["{{ [1,] }}", "[1]"],
    ["{{ (1,) }}", "(1,)"],
    ["{{ () }}", "()"],
    ["{{ 1.e5 }}", ""],
  ],
  refuses: ["{{ 'a\\ }}", "{{ b' }}", "{{ .5 }}", "{{ 5. }}", "{{ 007 }}", "{{ '\\x4' }}", "{{ 1__0 }}"],
});

describePrints("what is no template", {
  prints: [],
  refuses: ['{{ "a', "{% raw %}{{ a", "{# a", "{{ a", "{% if", "{{ @ }}", "{{ a..b }}", "{{ (1] }}", "{{ 1) }}"],
});
