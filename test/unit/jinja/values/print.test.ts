// What values print. Expected values are what Python's jinja2 3.1.6 prints (scripts/jinja-oracle/render.py).
import { describePrints } from "../oracle/cases.ts";

describePrints("str and repr", {
  prints: [
    ["{{ true }}", "True"],
    ["{{ none }}", "None"],
    ["{{ 2.0 }}", "2.0"],
    ["{{ [1,'a',None,True,1.5] }}", "[1, 'a', None, True, 1.5]"],
    ["{{ {'a':None,'b':True,'c':\"it's\"} }}", "{'a': None, 'b': True, 'c': \"it's\"}"],
    ["{{ (1,) }}", "(1,)"],
    ["{{ () }}", "()"],
    ["{{ ['\\n\\t\\\\\\x00\\x7f'] }}", "['\\n\\t\\\\\\x00\\x7f']"],
    ["{{ ['naïve 🍰\\xa0\\u200b\\ud800'] }}", "['naïve 🍰\\xa0\\u200b\\ud800']"],
    ["{{ [\"it's\", 'say \"x\"', '\\'\"'] }}", "[\"it's\", 'say \"x\"', '\\'\"']"],
    ["{{ {1: 'a', none: 2, (1,2): 3} }}", "{1: 'a', None: 2, (1, 2): 3}"],
    ["{{ [missing] }}", "[Undefined]"],
    ["{{ range(3) }}", "range(0, 3)"],
    ["{{ range(0, 5, 2) }}", "range(0, 5, 2)"],
    ["{{ d.keys() }}", "dict_keys(['b', 'a', 'n', 't', 'f', 'l'])"],
    ["{{ {}.items() }}", "dict_items([])"],
    ["{{ [s.upper] }}", "[<built-in method upper of str object at 0x7f0000000000>]"],
    ["{{ cycler }}", "<class 'jinja2.utils.Cycler'>"],
    ["{{ namespace(a='x') }}", "<Namespace {'a': 'x'}>"],
    ["{{ l|map('upper') }}", "<generator object sync_do_map at 0x7f0000000000>"],
    ["{{ dict }}", "<class 'dict'>"],
    ["{{ [1e100, -0.0, 1e-7] }}", "[1e+100, -0.0, 1e-07]"],
  ],
});

describePrints("equality and order", {
  prints: [
    ["{{ 1 == 1.0 }}", "True"],
    ["{{ 1 == true }}", "True"],
    ["{{ '1' == 1 }}", "False"],
    ["{{ [1,2] == [1.0,2] }}", "True"],
    ["{{ (1,2) == [1,2] }}", "False"],
    ["{{ {'a':1,'b':2} == {'b':2,'a':1} }}", "True"],
    ["{{ 2 ** 64 == 18446744073709551616.0 }}", "True"],
    ["{{ {1: 'a', true: 'b', 1.0: 'c'} }}", "{1: 'c'}"],
    ["{{ {1.5: 2}[1.5] }}", "2"],
    ["{{ missing == missing2 }}", "True"],
    ["{{ missing == none }}", "False"],
    ["{{ range(3) == range(0, 3, 1) }}", "True"],
    ["{{ 1 < 2 < 3 }}", "True"],
    ["{{ 1 < 3 < 2 }}", "False"],
    ["{{ 'a' < 'B' }}", "False"],
    ["{{ '\\uffff' < '🍰' }}", "True"],
    ["{{ [1,2] < [1,3] }}", "True"],
    ["{{ true < 2 }}", "True"],
    ["{{ 'a' in s }}", "False"],
    ["{{ '' in '' }}", "True"],
    ["{{ 2 in l }}", "True"],
    ["{{ none in [none] }}", "True"],
    ["{{ 'b' in d }}", "True"],
    ["{{ 3 not in range(3) }}", "True"],
  ],
  refuses: ["{{ 1 < 'a' }}", "{{ none < 1 }}", "{{ {} < {} }}", "{{ 1 in 'abc' }}", "{{ 1 in 1 }}", "{{ [] in d }}"],
});

describePrints("truth", {
  prints: [
    [
      "{% for x in [0, 1, '', 'a', [], [0], {}, none, 0.0, (), range(0), missing] %}{{ 1 if x else 0 }}{% endfor %}",
      "010101000000",
    ],
    ["{{ not missing }}{{ not not n }}", "TrueTrue"],
    ["{{ '' or 'x' }}{{ 'a' and 'b' }}{{ 0 and missing.x }}", "xb0"],
  ],
});
