// The filter `tojson`. Expected values are what Python's jinja2 3.1.6 prints (scripts/jinja-oracle/render.py).
import { describePrints } from "../oracle/cases.ts";

describePrints("tojson", {
  prints: [
    ["{{ d|tojson }}", '{"b": 1, "a": "x", "n": null, "t": true, "f": 1.5, "l": [1, "two"]}'],
    ["{{ u|tojson }}", '"naïve 🍰 <b>&\'\\""'],
    ["{{ u|tojson(ensure_ascii=true) }}", '"na\\u00efve \\ud83c\\udf70 <b>&\'\\""'],
    ["{{ '\\x7f\\x01\"\\\\'|tojson }}", '"\u007f\\u0001\\"\\\\"'],
    ["{{ '\\x7f'|tojson(true) }}", '"\\u007f"'],
    ["{{ d|tojson(separators=(',',':')) }}", '{"b":1,"a":"x","n":null,"t":true,"f":1.5,"l":[1,"two"]}'],
    ["{{ d|tojson(sort_keys=true) }}", '{"a": "x", "b": 1, "f": 1.5, "l": [1, "two"], "n": null, "t": true}'],
    ["{{ d|tojson(2) }}", '{"b": 1, "a": "x", "n": null, "t": true, "f": 1.5, "l": [1, "two"]}'],
    [
      "{{ d|tojson(indent=2) }}",
      '{\n  "b": 1,\n  "a": "x",\n  "n": null,\n  "t": true,\n  "f": 1.5,\n  "l": [\n    1,\n    "two"\n  ]\n}',
    ],
    [
      "{{ nested|tojson(indent=2, separators=(',', ': ')) }}",
      '{\n  "x": {\n    "y": [\n      {\n        "z": 1\n      }\n    ]\n  }\n}',
    ],
    ["{{ {}|tojson(indent=2) }}", "{}"],
    ["{{ [[],{}]|tojson(indent=1) }}", "[\n [],\n {}\n]"],
    ["{{ l|tojson(indent='--') }}", "[\n--3,\n--1,\n--2,\n--2\n]"],
    ["{{ l|tojson(indent=0) }}", "[\n3,\n1,\n2,\n2\n]"],
    ["{{ l|tojson(indent=-1) }}", "[\n3,\n1,\n2,\n2\n]"],
    ["{{ 1.0|tojson }}", "1.0"],
    ["{{ 1e20|tojson }}", "1e+20"],
    ["{{ 1e16|tojson }}", "1e+16"],
    ["{{ 12345678901234567890|tojson }}", "12345678901234567890"],
    ["{{ (1,2)|tojson }}", "[1, 2]"],
    ["{{ {1:2, none:3, true:4, 1.5:5}|tojson }}", '{"1": 4, "null": 3, "1.5": 5}'],
  ],
  refuses: [
    "{{ {(1,2):3}|tojson }}",
    "{{ missing|tojson }}",
    "{{ d.items()|tojson }}",
    "{{ range(3)|tojson }}",
    "{{ namespace()|tojson }}",
    "{{ {1:1,'a':2}|tojson(sort_keys=true) }}",
    "{{ l|tojson(indent=1.5) }}",
  ],
});
