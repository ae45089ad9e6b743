"""The process's side of `hearth bench --against-process` in Python: see answer-lines.ts."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any


def answer_lines(answer: Callable[[dict[str, Any]], dict[str, float]]) -> None:
    """Answers requests until standard input ends; a failure is answered as `{"error": message}`."""
    for line in sys.stdin:
        try:
            reply: dict[str, Any] = answer(json.loads(line))
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
