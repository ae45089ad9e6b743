// `urlencode` and `urlize`. Expected values are what Python's jinja2 3.1.6 prints (scripts/jinja-oracle/render.py).
import { describePrints } from "../oracle/cases.ts";

describePrints("urlencode", {
  prints: [
    ["{{ 'a/b?c=d&e ü'|urlencode }}", "a/b%3Fc%3Dd%26e%20%C3%BC"],
    ["{{ {'a':1,'b c':'ü&/'}|urlencode }}", "a=1&b+c=%C3%BC%26%2F"],
    ["{{ [('a',1)]|urlencode }}", "a=1"],
    ["{{ 5|urlencode }}", "5"],
    ['{{ "!\'()*~"|urlencode }}', "%21%27%28%29%2A~"],
  ],
});

describePrints("urlize", {
  prints: [
    [
      "{{ 'http://a.com foo www.b.org x@y.com'|urlize }}",
      '<a href="http://a.com" rel="noopener">http://a.com</a> foo <a href="https://www.b.org" rel="noopener">www.b.org</a> <a href="mailto:x@y.com">x@y.com</a>',
    ],
    ["{{ '(http://a.com)'|urlize }}", '(<a href="http://a.com" rel="noopener">http://a.com</a>)'],
    ["{{ 'http://a.com.'|urlize }}", '<a href="http://a.com" rel="noopener">http://a.com</a>.'],
    ["{{ 'HTTP://a.com'|urlize }}", '<a href="https://HTTP://a.com" rel="noopener">HTTP://a.com</a>'],
    [
      "{{ 'http://a.com/aaaaaaaaaaaaa'|urlize(10, true, target='_blank', rel='x') }}",
      '<a href="http://a.com/aaaaaaaaaaaaa" rel="nofollow noopener x" target="_blank">http://a.c...</a>',
    ],
    ["{{ 'foo:bar'|urlize(extra_schemes=['foo:']) }}", '<a href="foo:bar" rel="noopener">foo:bar</a>'],
    [
      "{{ '<b>mailto:a@b.co</b> mailto:a@b.co'|urlize }}",
      '&lt;b&gt;mailto:a@b.co&lt;/b&gt; <a href="mailto:a@b.co">a@b.co</a>',
    ],
  ],
});
