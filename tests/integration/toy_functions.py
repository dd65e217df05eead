"""Small functions for the stack's own tests: they keep what they get, and answer as the message says."""

import json
import textwrap
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from infra.local import names
from infra.local.calls import call
from infra.local.options import FUNCTIONS
from infra.local.supervisor import LocalStack

_SOURCE = """
    import json, os, time

    CALLS = os.path.join(os.path.dirname(__file__), "calls.jsonl")

    def note(call):
        with open(CALLS, "a") as file:
            file.write(json.dumps({"time": time.time(), "pid": os.getpid(), **call}) + chr(10))

    def handle(request):
        body = request.get_json(silent=True)
        attributes = (body or {}).get("message", {}).get("attributes", {})
        note({"event": "begin", "body": body})
        time.sleep(float(attributes.get("seconds", 0)))
        note({"event": "end", "body": body})
        return "", int(attributes.get("status", 200))
"""


@dataclass(frozen=True)
class Toys:
    """A folder of functions in the shape of the repository's own."""

    folder: Path

    def calls(self, function: str, event: str = "begin") -> list[dict[str, Any]]:
        """What a function was called with, oldest first; each with ``time``, ``pid`` and ``body``."""
        file = self.folder / function / "calls.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [call for call in map(json.loads, lines) if call["event"] == event]


def write_toys(folder: Path) -> Toys:
    for name in FUNCTIONS:
        (folder / name).mkdir(parents=True)
        (folder / name / "main.py").write_text(textwrap.dedent(_SOURCE))
    return Toys(folder)


def publish(stack: LocalStack, topic: str, messages: list[Mapping[str, str]]) -> None:
    """Publish messages that have only attributes."""
    url = f"http://{stack.endpoints['pubsub_host']}/v1/projects/{names.PROJECT}/topics/{topic}:publish"
    body = {"messages": [{"attributes": attributes} for attributes in messages]}
    assert call("POST", url, json=body).status == 200


def wait_until(condition: Callable[[], bool], limit: float = 60.0) -> None:
    """Wait until it is so; fail after ``limit`` seconds."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def living_in(folder: Path) -> list[psutil.Process]:
    """Processes whose command or environment names the folder."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), *process.environ().values()]
        except psutil.Error:
            continue
        if process.pid != psutil.Process().pid and any(str(folder) in word for word in words):
            found.append(process)
    return found
