"""Renders templates with Python's jinja2, in the environment in which transformers renders chat templates.

The engine in src/jinja is compared with this one (test/unit/jinja/oracle). It needs jinja2 3.1.6 and nothing else:

    python -m venv oracle && oracle/bin/pip install jinja2==3.1.6
    JINJA_ORACLE_PYTHON=oracle/bin/python npx vitest run test/unit/jinja/oracle

Reads lines of JSON, {"template": text, "variables": object}, and answers each with a line, {"output": text} or
{"error": name of the exception, "message": text}. `strftime_now` sees 26 November 2026, 14:05:09.
"""

import json
import resource
import sys
from datetime import datetime

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime(2026, 11, 26, 14, 5, 9)


class GenerationTag(jinja2.ext.Extension):
    """`{% generation %}`: transformers marks what the assistant wrote with it; the text passes through a call block."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_pass"), [], [], body).set_lineno(line)

    @jinja2.pass_eval_context
    def _pass(self, context, caller):
        return caller()


def to_json(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def environment():
    made = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[GenerationTag, jinja2.ext.loopcontrols]
    )
    made.filters["tojson"] = to_json
    made.globals["raise_exception"] = raise_exception
    made.globals["strftime_now"] = lambda format: NOW.strftime(format)
    return made


ENVIRONMENT = environment()


def answer(line):
    case = json.loads(line)
    try:
        return {"output": ENVIRONMENT.from_string(case["template"]).render(**case["variables"])}
    except RecursionError:
        return {"error": "RecursionError", "message": "too deep"}
    except Exception as error:  # Whatever Python raises is the answer.
        return {"error": type(error).__name__, "message": str(error)}


if __name__ == "__main__":
    # A random template may ask for any amount of memory: it gets an exception instead.
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    for line in sys.stdin:
        print(json.dumps(answer(line)), flush=True)
