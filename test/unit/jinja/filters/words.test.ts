// Filters that shorten text and break it into lines. Expected values are what Python's jinja2 3.1.6 prints (scripts/jinja-oracle/render.py).
import { describePrints } from "../oracle/cases.ts";

describePrints("truncate", {
  prints: [
    ["{{ 'hello world foo'|truncate(9) }}", "hello..."],
    ["{{ 'hello world foo'|truncate(9, true) }}", "hello ..."],
    ["{{ 'hello world'|truncate(9, leeway=0) }}", "hello..."],
    ["{{ 'hello world foo'|truncate(9, false, '!') }}", "hello!"],
    ["{{ 'hello world foo bar'|truncate(length=11, end='') }}", "hello"],
    ["{{ '🍰🍰🍰🍰🍰🍰🍰🍰🍰🍰'|truncate(4, true) }}", "🍰..."],
    ["{{ missing|truncate(3) }}", ""],
  ],
  refuses: ["{{ 'abc'|truncate(2) }}", "{{ 5|truncate(5) }}"],
});

describePrints("wordwrap", {
  prints: [
    ["{{ 'hello-world foo bar'|wordwrap(5) }}", "hello\n-\nworld\nfoo\nbar"],
    ["{{ 'hello-world foo bar'|wordwrap(5, false) }}", "hello-\nworld\nfoo\nbar"],
    ["{{ 'a\\nb c'|wordwrap(2, wrapstring='|') }}", "a|b|c"],
    ["{{ 'hello-world'|wordwrap(7, true, none, false) }}", "hello-w\norld"],
    ["{{ 'a b c d'|wordwrap(3) }}", "a b\nc d"],
    ["{{ 'foo--bar baz'|wordwrap(5) }}", "foo--\nbar\nbaz"],
    ["{{ 'the quick  brown fox jumps over'|wordwrap(10) }}", "the quick\nbrown fox\njumps over"],
    ["{{ \"a', {'c': [1]}\"|wordwrap(4) }}", "a', \n{'c'\n:\n[1]}"],
  ],
  refuses: ["{{ 'a'|wordwrap(0) }}"],
});
