// `pprint`. Expected values are what Python's jinja2 3.1.6 prints (scripts/jinja-oracle/render.py).
import { describePrints } from "../oracle/cases.ts";

describePrints("pprint", {
  prints: [
    ["{{ d|pprint }}", "{'a': 'x', 'b': 1, 'f': 1.5, 'l': [1, 'two'], 'n': None, 't': True}"],
    [
      "{{ m|pprint }}",
      "[{'content': 'U', 'k': 1, 'role': 'user'},\n {'content': 'A', 'k': 2, 'role': 'assistant'},\n {'content': 'V', 'role': 'user'}]",
    ],
    [
      "{{ {'a': 'x'*30, 'b': ['y'*30, 'z'*30], 'c': {'d': 1}}|pprint }}",
      "{'a': 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',\n 'b': ['yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy', 'zzzzzzzzzzzzzzzzzzzzzzzzzzzzzz'],\n 'c': {'d': 1}}",
    ],
    [
      "{{ ['aaa bbb ccc '*10]|pprint }}",
      "['aaa bbb ccc aaa bbb ccc aaa bbb ccc aaa bbb ccc aaa bbb ccc aaa bbb ccc aaa '\n 'bbb ccc aaa bbb ccc aaa bbb ccc aaa bbb ccc ']",
    ],
    [
      "{{ ('aaa bbb ccc '*10)|pprint }}",
      "('aaa bbb ccc aaa bbb ccc aaa bbb ccc aaa bbb ccc aaa bbb ccc aaa bbb ccc aaa '\n 'bbb ccc aaa bbb ccc aaa bbb ccc aaa bbb ccc ')",
    ],
    [
      "{{ {'k'*50: 'v'*50}|pprint }}",
      "{'kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk': 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv'}",
    ],
    [
      "{{ ('x'*90,)|pprint }}",
      "('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',)",
    ],
    ["{{ {1:'a','b':2,none:3}|pprint }}", "{None: 3, 1: 'a', 'b': 2}"],
    [
      "{{ {'a': ('b'*40, {'c'*20: 'd\\nefg'*12})}|pprint }}",
      "{'a': ('bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',\n       {'cccccccccccccccccccc': 'd\\n'\n                                'efgd\\n'\n                                'efgd\\n'\n                                'efgd\\n'\n                                'efgd\\n'\n                                'efgd\\n'\n                                'efgd\\n'\n                                'efgd\\n'\n                                'efgd\\n'\n                                'efgd\\n'\n                                'efgd\\n'\n                                'efgd\\n'\n                                'efg'})}",
    ],
    [
      "{{ {'zz': m, 'long_key_here': m}|pprint }}",
      "{'long_key_here': [{'content': 'U', 'k': 1, 'role': 'user'},\n                   {'content': 'A', 'k': 2, 'role': 'assistant'},\n                   {'content': 'V', 'role': 'user'}],\n 'zz': [{'content': 'U', 'k': 1, 'role': 'user'},\n        {'content': 'A', 'k': 2, 'role': 'assistant'},\n        {'content': 'V', 'role': 'user'}]}",
    ],
    [
      "{{ range(30)|list|pprint }}",
      "[0,\n 1,\n 2,\n 3,\n 4,\n 5,\n 6,\n 7,\n 8,\n 9,\n 10,\n 11,\n 12,\n 13,\n 14,\n 15,\n 16,\n 17,\n 18,\n 19,\n 20,\n 21,\n 22,\n 23,\n 24,\n 25,\n 26,\n 27,\n 28,\n 29]",
    ],
    ["{{ missing|pprint }}", "Undefined"],
  ],
});
