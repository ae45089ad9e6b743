// Global functions. Expected values are what Python's jinja2 3.1.6 prints (scripts/jinja-oracle/render.py).
import { describePrints } from "../oracle/cases.ts";

describePrints("range, dict and namespace", {
  prints: [
    [
      "{{ range(4)|list }}{{ range(1, 10, 3)|list }}{{ range(5, 0, -2)|list }}{{ range(2, 2)|list }}",
      "[0, 1, 2, 3][1, 4, 7][5, 3, 1][]",
    ],
    [
      "{{ dict(a=1, b=2) }}{{ dict([(1, 2)], a=3) }}{{ dict({'a': 1}, a=2) }}{{ dict() }}",
      "{'a': 1, 'b': 2}{1: 2, 'a': 3}{'a': 2}{}",
    ],
    [
      "{% set ns = namespace(a=1) %}{% set ns.b = 2 %}{{ ns }}{{ ns.a }}{{ ns['b'] }}{{ ns.zz }}",
      "<Namespace {'a': 1, 'b': 2}>12",
    ],
    ["{{ namespace({'a': 1}, b=2).b }}{{ namespace([('a', 2)]).a }}", "22"],
  ],
  refuses: [
    "{{ range(200000) }}",
    "{{ range() }}",
    "{{ range(1.0) }}",
    "{{ range(0, 1, 0) }}",
    "{{ dict(1) }}",
    "{{ dict([1]) }}",
    "{{ namespace(1) }}",
    "{% set x = 1 %}{% set x.y = 2 %}",
  ],
});

describePrints("cycler and joiner", {
  prints: [
    [
      "{% set c = cycler(1, 2) %}{{ c.next() }}{{ c.current }}{{ c.next() }}{{ c.next() }}{{ c.reset() }}{{ c.current }}",
      "1221None1",
    ],
    ["{% set j = joiner('|') %}{{ j() }}a{{ j() }}b{{ j() }}", "a|b|"],
  ],
  refuses: ["{{ cycler() }}"],
});

describePrints("raise_exception and strftime_now", {
  prints: [
    ["{{ strftime_now('%Y-%m-%d %H:%M:%S') }}", "2026-11-26 14:05:09"],
    [
      "{{ strftime_now('%d %B %Y') }}{{ strftime_now('%a %A %b %j %p %I %y') }}",
      "26 November 2026Thu Thursday Nov 330 PM 02 26",
    ],
    [
      "{{ strftime_now('%e|%-d|%-m|%-H|%U|%W|%w|%u|%V|%G|%c|%x|%X|%D|%T|%R|%F|%Z|%z|%%') }}",
      "26|26|11|14|47|47|4|4|48|2026|Thu Nov 26 14:05:09 2026|11/26/26|14:05:09|11/26/26|14:05:09|14:05|2026-11-26|||%",
    ],
  ],
  refuses: ["{{ raise_exception('no') }}", "{{ raise_exception() }}", "{{ strftime_now() }}"],
});
