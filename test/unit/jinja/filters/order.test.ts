// Filters that sort, group and compare items. Expected values are what Python's jinja2 3.1.6 prints (scripts/jinja-oracle/render.py).
import { describePrints } from "../oracle/cases.ts";

describePrints("sort", {
  prints: [
    ["{{ l|sort }}", "[1, 2, 2, 3]"],
    ["{{ l|sort(reverse=true) }}", "[3, 2, 2, 1]"],
    ["{{ ['b','A','c']|sort }}", "['A', 'b', 'c']"],
    ["{{ ['b','A','c']|sort(case_sensitive=true) }}", "['A', 'b', 'c']"],
    ["{{ m|sort(attribute='role,content')|map(attribute='content')|join }}", "AUV"],
    ["{{ [[2,'b'],[1,'a']]|sort(attribute=1) }}", "[[1, 'a'], [2, 'b']]"],
    ["{{ [{'a':{'b':2}},{'a':{'b':1}}]|sort(attribute='a.b') }}", "[{'a': {'b': 1}}, {'a': {'b': 2}}]"],
    ["{{ d|sort }}", "['a', 'b', 'f', 'l', 'n', 't']"],
    ["{{ 'hello'|sort }}", "['e', 'h', 'l', 'l', 'o']"],
    ["{{ [none]|sort }}", "[None]"],
  ],
  refuses: ["{{ [3,'a']|sort }}", "{{ m|sort(attribute='k') }}"],
});

describePrints("dictsort", {
  prints: [
    ["{{ d|dictsort }}", "[('a', 'x'), ('b', 1), ('f', 1.5), ('l', [1, 'two']), ('n', None), ('t', True)]"],
    ["{{ {'b':1,'A':2}|dictsort }}", "[('A', 2), ('b', 1)]"],
    ["{{ {'b':1,'A':2}|dictsort(true) }}", "[('A', 2), ('b', 1)]"],
    ["{{ {'b':1,'A':2}|dictsort(by='value', reverse=true) }}", "[('A', 2), ('b', 1)]"],
  ],
  refuses: ["{{ d|dictsort(false, 'value') }}", "{{ {'b':1}|dictsort(by='zzz') }}", "{{ l|dictsort }}"],
});

describePrints("groupby", {
  prints: [
    [
      "{{ m|groupby('role') }}",
      "[('assistant', [{'role': 'assistant', 'content': 'A', 'k': 2}]), ('user', [{'role': 'user', 'content': 'U', 'k': 1}, {'role': 'user', 'content': 'V'}])]",
    ],
    ["{% for g in m|groupby('role') %}{{ g.grouper }}{{ g.list|length }}{% endfor %}", "assistant1user2"],
    ["{% for role, list in m|groupby('role') %}{{ role }}{{ list|length }}{% endfor %}", "assistant1user2"],
    [
      "{{ m|groupby('k', default=0)|list }}",
      "[(0, [{'role': 'user', 'content': 'V'}]), (1, [{'role': 'user', 'content': 'U', 'k': 1}]), (2, [{'role': 'assistant', 'content': 'A', 'k': 2}])]",
    ],
    ["{{ ['b','A','a']|groupby(0) }}", "[('A', ['A', 'a']), ('b', ['b'])]"],
    ["{{ ['b','A','a']|groupby(0, case_sensitive=true) }}", "[('A', ['A']), ('a', ['a']), ('b', ['b'])]"],
  ],
  refuses: ["{{ m|groupby('k') }}"],
});

describePrints("unique, min and max", {
  prints: [
    ["{{ l|unique|list }}", "[3, 1, 2]"],
    ["{{ ['a','A']|unique|list }}", "['a']"],
    ["{{ ['a','A']|unique(true)|list }}", "['a', 'A']"],
    ["{{ m|unique(attribute='role')|map(attribute='role')|list }}", "['user', 'assistant']"],
    ["{{ l|min }}", "1"],
    ["{{ l|max }}", "3"],
    ["{{ ['a','B']|max }}", "B"],
    ["{{ []|min }}", ""],
    ["{{ 'hello'|max }}", "o"],
    ["{{ m|max(attribute='content') }}", "{'role': 'user', 'content': 'V'}"],
  ],
  refuses: ["{{ [[1]]|unique|list }}", "{{ [1,'a']|min }}"],
});
