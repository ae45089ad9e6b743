// Filters on lists and other sequences of items. Expected values are what Python's jinja2 3.1.6 prints (scripts/jinja-oracle/render.py).
import { describePrints } from "../oracle/cases.ts";

describePrints("length, first, last and list", {
  prints: [
    ["{{ l|length }}", "4"],
    ["{{ u|length }}", "14"],
    ["{{ d|count }}", "6"],
    ["{{ missing|length }}", "0"],
    ["{{ l|first }}", "3"],
    ["{{ []|first }}", ""],
    ["{{ 'abc'|last }}", "c"],
    ["{{ d|last }}", "l"],
    ["{{ []|last is defined }}", "False"],
    ["{{ 'abc'|list }}", "['a', 'b', 'c']"],
    ["{{ d|list }}", "['b', 'a', 'n', 't', 'f', 'l']"],
  ],
  refuses: ["{{ 5|length }}", "{{ (l|map('int'))|last }}", "{{ none|list }}"],
});

describePrints("reverse", {
  prints: [
    ["{{ l|reverse|list }}", "[2, 2, 1, 3]"],
    ["{{ 'abc'|reverse }}", "cba"],
    ["{{ l|reverse }}", "<list_reverseiterator object at 0x7f0000000000>"],
    ["{{ d|reverse|list }}", "['l', 'f', 't', 'n', 'a', 'b']"],
    ["{{ (1,2)|reverse }}", "<reversed object at 0x7f0000000000>"],
    ["{{ range(3)|reverse }}", "<range_iterator object at 0x7f0000000000>"],
  ],
  refuses: ["{{ 5|reverse }}"],
});

describePrints("join and sum", {
  prints: [
    ["{{ l|join }}", "3122"],
    ["{{ l|join(', ') }}", "3, 1, 2, 2"],
    ["{{ [1,none,'a',1.5,true]|join(1) }}", "11None1a11.51True"],
    ["{{ l|join(none) }}", "3None1None2None2"],
    ["{{ m|join(',', attribute='role') }}", "user,assistant,user"],
    ["{{ d|join(',') }}", "b,a,n,t,f,l"],
    ["{{ missing|join }}", ""],
    ["{{ l|sum }}", "8"],
    ["{{ [1,2]|sum(start=10) }}", "13"],
    ["{{ [[1],[2]]|sum(start=[]) }}", "[1, 2]"],
    ["{{ m[:2]|sum(attribute='k') }}", "3"],
  ],
  refuses: ["{{ none|join }}", "{{ ['a']|sum }}", "{{ ['a']|sum(start='') }}"],
});

describePrints("batch, slice and items", {
  prints: [
    ["{{ l|batch(2)|list }}", "[[3, 1], [2, 2]]"],
    ["{{ l|batch(3, 'x')|list }}", "[[3, 1, 2], [2, 'x', 'x']]"],
    ["{{ l|batch(0)|list }}", "[[], [3, 1, 2, 2]]"],
    ["{{ l|slice(3)|list }}", "[[3, 1], [2], [2]]"],
    ["{{ l|slice(3, 'x')|list }}", "[[3, 1], [2, 'x'], [2, 'x']]"],
    ["{{ d|items|list }}", "[('b', 1), ('a', 'x'), ('n', None), ('t', True), ('f', 1.5), ('l', [1, 'two'])]"],
    ["{{ missing|items|list }}", "[]"],
    ["{{ l|batch(2) }}", "<generator object do_batch at 0x7f0000000000>"],
    ["{{ d|items }}", "<generator object do_items at 0x7f0000000000>"],
  ],
  refuses: ["{{ l|slice(0)|list }}", "{{ l|items|list }}"],
});
