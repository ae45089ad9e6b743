// `object.name` and `object[key]`. Expected values are what Python's jinja2 3.1.6 prints (scripts/jinja-oracle/render.py).
import { describePrints } from "../oracle/cases.ts";

describePrints("keys and attributes", {
  prints: [
    ["{{ d.b }}", "1"],
    ["{{ d['b'] }}", "1"],
    ["{{ d.zz }}", ""],
    ["{{ d['zz'] }}", ""],
    ["{{ d.items is callable }}", "True"],
    ["{{ l[0] }}", "3"],
    ["{{ l[-1] }}", "2"],
    ["{{ l[99] }}", ""],
    ["{{ l[1.0] }}", ""],
    ["{{ l['a'] }}", ""],
    ["{{ l[none] }}", ""],
    ["{{ d[[]] }}", ""],
    ["{{ d.0 }}", ""],
    ["{{ l.0 }}", "3"],
    ["{{ nested.x.y.0.z }}", "1"],
    ["{{ 'abc'[1] }}", "b"],
    ["{{ 'a🍰b'[2] }}", "b"],
    ["{{ s[50] }}", ""],
    ["{{ s['x'] }}", ""],
    ["{{ nul.x }}", ""],
    ["{{ n[0] }}", ""],
  ],
  refuses: ["{{ missing.x }}", "{{ missing['x'] }}", "{{ missing() }}", "{{ d.zz.y }}", "{{ l() }}"],
});

describePrints("names that begin with an underscore", {
  prints: [
    ["{{ s.__class__ }}", ""],
    ["{{ s.__class__ is defined }}", "False"],
    ["{{ {'_x': 1}._x }}", "1"],
    ["{{ {'__class__': 1}['__class__'] }}", "1"],
  ],
  refuses: ["{{ s.__class__.__mro__ }}", "{{ s.__class__() }}"],
});
