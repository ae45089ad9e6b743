// Methods of str. Expected values are what Python's jinja2 3.1.6 prints (scripts/jinja-oracle/render.py).
import { describePrints } from "../oracle/cases.ts";

describePrints("the methods of case", {
  prints: [
    ["{{ s.upper() }}", "HELLO WORLD"],
    ["{{ s.lower() }}", "hello world"],
    ["{{ s.swapcase() }}", "hELLO wORLD"],
    ["{{ 'hello wORLD'.capitalize() }}", "Hello world"],
    ['{{ "it\'s a dog".title() }}', "It'S A Dog"],
    ["{{ 'ß ŉ ﬁ'.upper() }}", "SS ʼN FI"],
    ["{{ 'ß ŉ ﬁ ǆ'.title() }}", "Ss ʼN Fi ǅ"],
    ["{{ 'ΑΣ ΑΣΑ'.lower() }}", "ας ασα"],
    ["{{ 'ΑΣ'.swapcase() }}", "ας"],
    ["{{ 'Straße'.casefold() }}", "strasse"],
  ],
});

describePrints("strip, removeprefix and removesuffix", {
  prints: [
    ["{{ 'xxaxx'.strip('x') }}", "a"],
    ["{{ '<think>ab</think>'.strip('<think>') }}", "ab</"],
    ["{{ '\\n\\na\\n'.lstrip('\\n') }}", "a\n"],
    ["{{ ' a\\u3000\\x1c'.rstrip() }}", " a"],
    ["{{ 'abc'.removeprefix('a') }}", "bc"],
    ["{{ 'abc'.removesuffix('c') }}", "ab"],
    ["{{ 'abc'.removesuffix('') }}", "abc"],
  ],
  refuses: ["{{ 'a'.strip(1) }}"],
});

describePrints("split and its like", {
  prints: [
    ["{{ 'a b  c'.split() }}", "['a', 'b', 'c']"],
    ["{{ ' a b '.split(none, 0) }}", "['a b ']"],
    ["{{ ' a b c '.split(maxsplit=1) }}", "['a', 'b c ']"],
    ["{{ ' a b c '.rsplit(none, 1) }}", "[' a b', 'c']"],
    ["{{ 'a,b,c'.split(',') }}", "['a', 'b', 'c']"],
    ["{{ 'a,b,c'.split(',', 1) }}", "['a', 'b,c']"],
    ["{{ 'a,b,c'.rsplit(',', 1) }}", "['a,b', 'c']"],
    ["{{ 'aaa'.rsplit('aa', 1) }}", "['a', '']"],
    ["{{ ''.split() }}", "[]"],
    ["{{ ''.split(',') }}", "['']"],
    ["{{ 'a\\nb\\r\\nc\\x0bd\\u2028e'.splitlines() }}", "['a', 'b', 'c', 'd', 'e']"],
    ["{{ 'a\\nb\\n'.splitlines(true) }}", "['a\\n', 'b\\n']"],
    ["{{ 'a-b-c'.partition('-') }}", "('a', '-', 'b-c')"],
    ["{{ 'a-b-c'.rpartition('-') }}", "('a-b', '-', 'c')"],
    ["{{ 'a'.partition('x') }}", "('a', '', '')"],
    ["{{ 'a'.rpartition('x') }}", "('', '', 'a')"],
  ],
  refuses: ["{{ 'a'.split('') }}", "{{ 'a'.partition('') }}"],
});

describePrints("find and its like", {
  prints: [
    ["{{ s.find('W') }}", "6"],
    ["{{ s.rfind('o') }}", "7"],
    ["{{ s.find('zz') }}", "-1"],
    ["{{ s.find('o', 5) }}", "7"],
    ["{{ s.find('l', -3, -1) }}", "9"],
    ["{{ '🍰a'.find('a') }}", "1"],
    ["{{ s.index('W') }}", "6"],
    ["{{ s.rindex('o') }}", "7"],
    ["{{ s.count('o') }}", "2"],
    ["{{ s.count('') }}", "12"],
    ["{{ 'aaa'.count('aa') }}", "1"],
    ["{{ s.startswith('He') }}", "True"],
    ["{{ s.startswith(('x', 'H')) }}", "True"],
    ["{{ s.startswith('', 20) }}", "False"],
    ["{{ s.startswith('lo', 3) }}", "True"],
    ["{{ s.endswith('ld') }}", "True"],
    ["{{ s.endswith('o', 0, 5) }}", "True"],
  ],
  refuses: ["{{ s.index('zz') }}", "{{ s.startswith(1) }}"],
});

describePrints("replace, join and padding", {
  prints: [
    ["{{ s.replace('l','L') }}", "HeLLo WorLd"],
    ["{{ s.replace('l','L', 1) }}", "HeLlo World"],
    ["{{ 'abc'.replace('', '-') }}", "-a-b-c-"],
    ["{{ 'x'.join(['a','b']) }}", "axb"],
    ["{{ 'a'.join('bcd') }}", "bacad"],
    ["{{ ','.join({'a':1,'b':2}) }}", "a,b"],
    ["{{ 'ab'.center(5) }}", "  ab "],
    ["{{ 'abc'.center(6, '*') }}", "*abc**"],
    ["{{ 'ab'.ljust(4) }}", "ab  "],
    ["{{ 'ab'.rjust(4, '0') }}", "00ab"],
    ["{{ '-7'.zfill(4) }}", "-007"],
    ["{{ '+7'.zfill(3) }}", "+07"],
    ["{{ 'a\\tb'.expandtabs(4) }}", "a   b"],
    ["{{ 'ab\\tc\\n\\td'.expandtabs() }}", "ab      c\n        d"],
  ],
  refuses: ["{{ 'x'.join(['a', 1]) }}", "{{ 'ab'.center(4, 'xx') }}", "{{ 'abc'.center() }}"],
});

describePrints("what its characters are", {
  prints: [
    ["{{ '12'.isdigit() }}", "True"],
    ["{{ '²'.isdigit() }}", "True"],
    ["{{ '²'.isdecimal() }}", "False"],
    ["{{ '½七'.isnumeric() }}", "True"],
    ["{{ 'ab1'.isalnum() }}", "True"],
    ["{{ 'ab'.isalpha() }}", "True"],
    ["{{ ''.isalpha() }}", "False"],
    ["{{ ' \\t\\x1c'.isspace() }}", "True"],
    ["{{ 'A'.isupper() }}", "True"],
    ["{{ '1'.isupper() }}", "False"],
    ["{{ 'ǅ'.islower() }}", "False"],
    ["{{ 'Ab Cd'.istitle() }}", "True"],
    ["{{ 'a1_'.isidentifier() }}", "True"],
    ["{{ '1a'.isidentifier() }}", "False"],
    ["{{ 'a\\n'.isprintable() }}", "False"],
    ["{{ ''.isprintable() }}", "True"],
    ["{{ 'é'.isascii() }}", "False"],
  ],
});

describePrints("translate, encode and what there is not", {
  prints: [
    ["{{ 'abc'.translate({97: 'x', 98: none, 99: 100}) }}", "xd"],
    ["{{ 'abc'.translate(''.maketrans('ab', 'xy', 'c')) }}", "xy"],
    ["{{ s.encode() }}", "b'Hello World'"],
    ["{{ u.encode('utf-8')|length }}", "18"],
    ["{{ u.encode().decode() }}", "naïve 🍰 <b>&'\""],
    ["{{ s.encode()[0] }}", "72"],
    ["{{ 'ü'.encode('latin-1') }}", "b'\\xfc'"],
    ["{{ s.nomethod }}", ""],
    ["{{ s.upper }}", "<built-in method upper of str object at 0x7f0000000000>"],
    ["{{ s.__class__ }}", ""],
  ],
  refuses: ["{{ 'ü'.encode('ascii') }}", "{{ s.nomethod() }}", "{{ s.upper(1) }}"],
});
