// Methods of list, tuple, dict and range, and what the sandbox refuses. Expected values are what Python's jinja2 3.1.6 prints (scripts/jinja-oracle/render.py).
import { describePrints } from "../oracle/cases.ts";

describePrints("dict", {
  prints: [
    ["{{ d.get('a') }}", "x"],
    ["{{ d.get('zz') }}", "None"],
    ["{{ d.get('zz', 1) }}", "1"],
    ["{{ d.get('n', 1) }}", "None"],
    ["{{ d.keys() }}", "dict_keys(['b', 'a', 'n', 't', 'f', 'l'])"],
    ["{{ d.values() }}", "dict_values([1, 'x', None, True, 1.5, [1, 'two']])"],
    ["{{ d.items() }}", "dict_items([('b', 1), ('a', 'x'), ('n', None), ('t', True), ('f', 1.5), ('l', [1, 'two'])])"],
    ["{{ d.items()|list|length }}", "6"],
    ["{{ d.copy() == d }}", "True"],
    ["{{ d.items }}", "<built-in method items of dict object at 0x7f0000000000>"],
    ["{{ d['items'] }}", "<built-in method items of dict object at 0x7f0000000000>"],
    ["{{ {'items': 3}['items'] }}", "3"],
    ["{{ dict.fromkeys('ab', 1) }}", "{'a': 1, 'b': 1}"],
    ["{{ d.keys() == d.keys() }}", "True"],
    ["{{ ('a', 'x') in d.items() }}", "True"],
    [
      "{{ ('zz', 'x') in d.items() }} {{ 'a' in d.keys() }} {{ 'zz' in d.keys() }} {{ 'x' in d.values() }}",
      "False True False True",
    ],
    ["{{ d.pop }}", ""],
  ],
  refuses: [
    "{{ d.pop('a') }}",
    "{{ d.update({'z': 1}) }}",
    "{{ d.setdefault('a') }}",
    "{{ d.get() }}",
    "{{ [] in d.keys() }}",
    "{{ ([], 1) in d.items() }}",
  ],
});

describePrints("list, tuple and range", {
  prints: [
    ["{{ l.index(1) }}", "1"],
    ["{{ l.index(2, 3) }}", "3"],
    ["{{ l.count(2) }}", "2"],
    ["{{ l.copy() }}", "[3, 1, 2, 2]"],
    ["{{ (1,2).index(2) }}", "1"],
    ["{{ range(5).index(3) }}", "3"],
    ["{{ range(5).count(9) }}", "0"],
    ["{{ l.append }}", ""],
    ["{{ l.append is defined }}", "False"],
  ],
  refuses: ["{{ l.append(1) }}", "{{ l.index(99) }}", "{{ l.sort() }}"],
});

describePrints("numbers", {
  prints: [
    ["{{ n.real }}", "7"],
    ["{{ n.imag }}", "0"],
    ["{{ (10).bit_length() }}", "4"],
    ["{{ f.is_integer() }}", "True"],
    ["{{ (0.75).as_integer_ratio() }}", "(3, 4)"],
    ["{{ n.foo }}", ""],
  ],
});
