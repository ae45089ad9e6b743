// Filters that apply a filter or a test to every item. Expected values are what Python's jinja2 3.1.6 prints (scripts/jinja-oracle/render.py).
import { describePrints } from "../oracle/cases.ts";

describePrints("map", {
  prints: [
    ["{{ ['a','B']|map('upper')|list }}", "['A', 'B']"],
    ["{{ m|map(attribute='role')|join(',') }}", "user,assistant,user"],
    ["{{ m|map(attribute='k', default=0)|list }}", "[1, 2, 0]"],
    ["{{ [[1,2]]|map(attribute=0)|list }}", "[1]"],
    ["{{ [[1,2]]|map('first')|list }}", "[1]"],
    ["{{ ['a b']|map('replace',' ','_')|list }}", "['a_b']"],
    ["{{ l|map('round', precision=1)|list }}", "[3, 1, 2, 2]"],
    ["{{ nul|map('upper')|list }}", "[]"],
    ["{{ l|map('upper') }}", "<generator object sync_do_map at 0x7f0000000000>"],
  ],
  refuses: [
    "{{ l|map()|list }}",
    "{{ l|map('nofilter')|list }}",
    "{{ m|map(attribute='k', foo=1)|list }}",
    "{{ m|map(attribute='k.x')|list }}",
  ],
});

describePrints("select and reject", {
  prints: [
    ["{{ l|select('odd')|list }}", "[3, 1]"],
    ["{{ l|select('gt',1)|list }}", "[3, 2, 2]"],
    ["{{ l|reject('odd')|list }}", "[2, 2]"],
    ["{{ [0,1,'']|select|list }}", "[1]"],
    ["{{ [0,1,'']|reject|list }}", "[0, '']"],
    ["{{ [1,2,3]|select('in',[1,2])|list }}", "[1, 2]"],
  ],
  refuses: ["{{ l|select('notest')|list }}", "{{ 5|select|list }}"],
});

describePrints("selectattr and rejectattr", {
  prints: [
    ["{{ m|selectattr('k')|list|length }}", "2"],
    ["{{ m|selectattr('k','defined')|list|length }}", "2"],
    ["{{ m|rejectattr('role','eq','user')|list|length }}", "1"],
    ["{{ m|selectattr('role','in',['user'])|map(attribute='content')|list }}", "['U', 'V']"],
    ["{{ m|rejectattr('k')|list }}", "[{'role': 'user', 'content': 'V'}]"],
  ],
  refuses: ["{{ m|selectattr|list }}", "{{ m|selectattr('k','>',1)|list }}"],
});
