// Filters on strings. Expected values are what Python's jinja2 3.1.6 prints (scripts/jinja-oracle/render.py).
import { describePrints } from "../oracle/cases.ts";

describePrints("the filters of case", {
  prints: [
    ["{{ s|upper }}", "HELLO WORLD"],
    ["{{ s|lower }}", "hello world"],
    ["{{ 'tEST wORD'|capitalize }}", "Test word"],
    ["{{ 'foo bar-baz (x) [y] {z} <w> a.b a_b'|title }}", "Foo Bar-Baz (X) [Y] {Z} <W> A.b A_b"],
    ['{{ "it\'s"|title }}', "It's"],
    ["{{ 'ß'|upper }}", "SS"],
    ["{{ nul|upper }}", "NONE"],
    ["{{ u|title }}", "Naïve 🍰 <B>&'\""],
  ],
});

describePrints("trim and center", {
  prints: [
    ["{{ ' a '|trim }}", "a"],
    ["{{ 'xxaxx'|trim('x') }}", "a"],
    ["{{ nul|trim }}", "None"],
    ["{{ 'abc'|center(6) }}", " abc  "],
    ["{{ 'ab'|center(5) }}", "  ab "],
    ["{{ 'a'|center }}", "                                       a                                        "],
    ["{{ 5|center(3) }}", " 5 "],
  ],
});

describePrints("replace", {
  prints: [
    ["{{ s|replace('l','L') }}", "HeLLo WorLd"],
    ["{{ s|replace('l','L',1) }}", "HeLlo World"],
    ["{{ 'abc'|replace('', '-') }}", "-a-b-c-"],
    ["{{ n|replace(7, 'x') }}", "x"],
    ["{{ 'aaa'|replace('a', 'b', count=2) }}", "bba"],
  ],
  refuses: ["{{ 'a'|replace('a') }}"],
});

describePrints("format", {
  prints: [
    ["{{ '%s-%s'|format('a', 2) }}", "a-2"],
    ["{{ '%.2f'|format(3.14159) }}", "3.14"],
    ["{{ '%(a)s'|format(a=1) }}", "1"],
  ],
  refuses: ["{{ '%s'|format(1, a=2) }}", "{{ '%d'|format('x') }}"],
});

describePrints("default", {
  prints: [
    ["{{ missing|default('x') }}", "x"],
    ["{{ nul|default('x') }}", "None"],
    ["{{ nul|default('x', true) }}", "x"],
    ["{{ ''|d('x', boolean=true) }}", "x"],
    ["{{ missing|default }}", ""],
    ["{{ missing|default(none) }}", "None"],
    ["{{ 0|default(5, true) }}", "5"],
  ],
  refuses: ["{{ missing.x|default(1) }}"],
});

describePrints("wordcount and string", {
  prints: [
    ["{{ 'hello wörld_2 a-b'|wordcount }}", "4"],
    ["{{ ''|wordcount }}", "0"],
    ["{{ d|string }}", "{'b': 1, 'a': 'x', 'n': None, 't': True, 'f': 1.5, 'l': [1, 'two']}"],
    ["{{ 1.0|string }}", "1.0"],
  ],
});

describePrints("indent", {
  prints: [
    ["{{ 'a\\nb'|indent }}", "a\n    b"],
    ["{{ 'a\\nb'|indent(2) }}", "a\n  b"],
    ["{{ 'a\\n\\nb'|indent(2, true) }}", "  a\n\n  b"],
    ["{{ 'a\\n\\nb'|indent(2, blank=true) }}", "a\n  \n  b"],
    ["{{ ''|indent(2, true) }}", "  "],
    ["{{ 'a\\r\\nb'|indent }}", "a\n    b"],
    ["{{ 'a\\n'|indent(2) }}", "a\n"],
    ["{{ 'a\\nb'|indent('> ', first=true) }}", "> a\n> b"],
  ],
  refuses: ["{{ 5|indent }}"],
});

describePrints("attr", {
  prints: [
    ["{{ s|attr('upper') }}", "<built-in method upper of str object at 0x7f0000000000>"],
    ["{{ d|attr('a') }}", ""],
    ["{{ d|attr('items') is defined }}", "True"],
    ["{{ l|attr('append') }}", ""],
    ["{{ s|attr('__class__') }}", ""],
  ],
});
