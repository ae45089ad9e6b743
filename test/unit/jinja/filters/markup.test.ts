// Filters that make markup or take it away. Expected values are what Python's jinja2 3.1.6 prints (scripts/jinja-oracle/render.py).
import { describePrints } from "../oracle/cases.ts";

describePrints("escape and safe", {
  prints: [
    ["{{ u|e }}", "naïve 🍰 &lt;b&gt;&amp;&#39;&#34;"],
    ["{{ u|e|e }}", "naïve 🍰 &lt;b&gt;&amp;&#39;&#34;"],
    ["{{ u|forceescape }}", "naïve 🍰 &lt;b&gt;&amp;&#39;&#34;"],
    ["{{ (u|e)|forceescape }}", "naïve 🍰 &amp;lt;b&amp;gt;&amp;amp;&amp;#39;&amp;#34;"],
    ["{{ (u|e) ~ '<' }}", "naïve 🍰 &lt;b&gt;&amp;&#39;&#34;<"],
    ["{{ (u|e) + '<' }}", "naïve 🍰 &lt;b&gt;&amp;&#39;&#34;&lt;"],
    ["{{ '<' + (u|e) }}", "&lt;naïve 🍰 &lt;b&gt;&amp;&#39;&#34;"],
    ["{{ ['a'|safe] }}", "[Markup('a')]"],
    ["{{ ('<b>%s</b>'|safe) % '<i>' }}", "<b>&lt;i&gt;</b>"],
    ["{{ ('<b>{}</b>'|safe).format('<i>') }}", "<b>&lt;i&gt;</b>"],
    ["{{ ('<b>'|safe).join(['<', '>'|safe]) }}", "&lt;<b>>"],
    ["{{ ('a<'|safe).replace('a', '<') }}", "&lt;<"],
    ["{{ ('<a'|safe)[0] is escaped }}", "True"],
    ["{{ ('<'|safe)|upper is escaped }}", "True"],
    ["{{ 5|safe }}", "5"],
    ["{{ none|e }}", "None"],
    ["{{ missing|e }}", ""],
  ],
});

describePrints("striptags and xmlattr", {
  prints: [
    ["{{ '<a>b  c</a> &amp; <!-- x -->'|striptags }}", "b c &"],
    ["{{ '&#65;&lt;'|striptags }}", "A<"],
    ["{{ 'Main &raquo; &eacute;&alpha;&hearts;&lang; &apos;'|striptags }}", "Main » éα♥⟨ '"],
    ["{{ '&notit; &amp&copy &AMP; &nope; &apos'|striptags }}", "¬it; &© & &nope; &apos"],
    ["{{ '&#128;&#x9f;&#0;&#x110000;&#1;&#xfdd0;x'|striptags }}", "€Ÿ��x"],
    ["{{ 'a<!-->b<b>c--> d <e'|striptags }}", "a d <e"],
    ["{{ 'a <!-- never <b> closed'|striptags }}", "a <!-- never <b> closed"],
    ["{{ ('<b>'|safe).striptags() }}", ""],
    ["{{ ('&lt;'|safe).unescape() }}", "<"],
    ["{{ d|xmlattr }}", ' b="1" a="x" t="True" f="1.5" l="[1, &#39;two&#39;]"'],
    ["{{ {'a': 1}|xmlattr(false) }}", 'a="1"'],
  ],
  refuses: ["{{ {'a b': 1}|xmlattr }}", "{{ {1: 1}|xmlattr }}", "{{ l|xmlattr }}"],
});
