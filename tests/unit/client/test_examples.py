"""The examples of the library's docstrings and pages print what they show, with a loopback server."""

import ast
import asyncio
import contextlib
import doctest
import inspect
import io
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from backfills import AsyncClient, Client, NewBackfill
from tests.unit.client.service import DROPS, JOB_ID, Asked, Says, Service, job, serving

WATCHED, FAILED = "watched", "failed"
BODY = {"table": "base.assets.t"}
CHUNKS = b"".join(
    json.dumps({"chunk": chunk, "file": "f", "rows": rows, "bytes": 1, "deliveries": []}).encode() + b"\n"
    for chunk, rows in enumerate((700, 500))
)
RECEIPT = {
    "job_id": JOB_ID,
    "status": "transporting",
    "unload": {"query_id": "q", "rows": 1200, "chunks": 2, "bytes": 2},
    "destinations": [],
    "balanced": True,
}
PREFIX = "/api/v1/beam/backfills"


def answers() -> Callable[[Asked], Says]:
    """Return a service with the examples' job. The watched job advances at each request."""
    stages = iter(("staging", "transporting", "completed"))
    fixed: dict[tuple[str, str], Callable[[], Says]] = {
        ("POST", ""): lambda: Says(201, {"job_id": JOB_ID, "workflow_id": f"beam-backfill-acme-{JOB_ID}"}),
        ("POST", "/estimate"): lambda: Says(
            200, {"rows": 1200, "chunks": 2, "bytes": 9, "first_rows": [], "warnings": []}
        ),
        ("GET", ""): lambda: Says(200, [job()]),
        ("GET", f"/{JOB_ID}"): lambda: Says(200, job()),
        ("GET", f"/{WATCHED}"): lambda: Says(200, job(next(stages))),
        ("GET", f"/{JOB_ID}/receipt"): lambda: Says(200, RECEIPT),
        ("GET", f"/{JOB_ID}/receipt/chunks"): lambda: Says(200, CHUNKS),
        ("POST", f"/{JOB_ID}/cancel"): lambda: Says(200, job("cancelled")),
        ("POST", f"/{FAILED}/retry"): lambda: Says(200, job()),
        ("POST", f"/{JOB_ID}/pause"): lambda: Says(200, job(paused=True)),
        ("POST", f"/{JOB_ID}/resume"): lambda: Says(200, job()),
    }

    def answer(asked: Asked) -> Says:
        path = asked.path.partition("?")[0].removeprefix(PREFIX)
        found = fixed.get((asked.method, path))
        return Says(404, {"detail": f"no {path}"}) if found is None else found()

    return answer


@pytest.fixture
def server() -> Iterator[Service]:
    with serving(answers()) as found:
        yield found


def examples(kind: type) -> list[Any]:
    """Return the examples of the class and of each method."""
    members: list[Any] = [kind, *(member for _, member in inspect.getmembers(kind, inspect.isfunction))]
    found = [
        pytest.param(test.examples, id=f"{kind.__name__}.{member.__name__}")
        for member in members
        for test in doctest.DocTestFinder(recurse=False).find(member, member.__name__)
        if test.examples
    ]
    assert found
    return found


async def printed(example: doctest.Example, names: dict[str, Any]) -> str:
    """Return the example's output; it may await at its top level, like in an asyncio shell."""
    code = compile(example.source, "example", "single", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        waits = eval(code, names)  # noqa: S307 - the library's own examples
        if inspect.iscoroutine(waits):
            await waits
    return out.getvalue()


def names_for(server: Service) -> dict[str, Any]:
    return {
        "url": server.url,
        "api_key": "key",
        "job_id": JOB_ID,
        "watched_id": WATCHED,
        "failed_id": FAILED,
        "body": BODY,
    }


@pytest.mark.parametrize("found", examples(Client))
def test_the_examples_of_the_client_that_waits(found: list[doctest.Example], server: Service) -> None:
    with Client(server.url, "key") as client:
        names = {**names_for(server), "Client": Client, "client": client}
        for example in found:
            assert asyncio.run(printed(example, names)) == example.want


@pytest.mark.parametrize("found", examples(AsyncClient))
def test_the_examples_of_the_client_for_asyncio(found: list[doctest.Example], server: Service) -> None:
    async def run() -> None:
        async with AsyncClient(server.url, "key") as client:
            names = {**names_for(server), "AsyncClient": AsyncClient, "client": client}
            for example in found:
                assert await printed(example, names) == example.want

    asyncio.run(run())


def test_the_example_of_a_new_backfill() -> None:
    names = {name: getattr(__import__("backfills"), name) for name in ("NewBackfill", "Window")}
    for parameter in examples(NewBackfill):
        for example in parameter.values[0]:
            assert asyncio.run(printed(example, names)) == example.want


def programs_of(page: str) -> dict[str, list[str]]:
    """Return the page's programs by the names of their tests; "" is the test of programs without a name."""
    text = (Path(__file__).parents[3] / page).read_text()
    found: dict[str, list[str]] = defaultdict(list)
    for name, program in re.findall(r"(?:<!-- tested: (\w+) -->\n)?```python\n(.*?)```", text, re.DOTALL):
        found[name].append(program)
    return found


@pytest.mark.parametrize("page", ["client/README.md", "docs/client.md"])
def test_the_pages_programs_run(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = programs_of(page)[""]
    assert programs
    monkeypatch.setattr("time.sleep", lambda _: None)
    yielding = asyncio.sleep
    monkeypatch.setattr("asyncio.sleep", lambda _: yielding(0))
    monkeypatch.setenv("BACKFILLS_API_KEY", "key")
    for program in programs:
        answer = answers()
        # The page creates a job and then watches it: serve it as the watched job.
        as_watched = partial(_watched, answer)
        with serving(as_watched) as server:
            source = program.replace("https://backfills.example.com", server.url)
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(source, page, "exec"), {})  # noqa: S102 - our own page
        assert "completed 700" in out.getvalue()


def _watched(answer: Callable[[Asked], Says], asked: Asked) -> Says:
    path = asked.path.replace(JOB_ID, WATCHED) if asked.method == "GET" else asked.path
    return answer(Asked(asked.method, path, asked.headers, asked.body))


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (Says(200, job()), "The job is transporting"),
        (Says(404, {"detail": "unknown"}), "The organization has no such job"),
        (Says(409, {"detail": "it runs"}), "The job cannot be retried: it runs"),
        (
            Says(429, {"detail": "full"}, {"Retry-After": "999"}),
            "Too many jobs run: try again in 999.0",
        ),
        (DROPS, "It is unknown whether the job runs again: No answer from the service"),
    ],
)
def test_the_pages_program_tells_each_error(says: Says, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    [program] = programs_of("docs/client.md")["errors"]
    monkeypatch.setenv("BACKFILLS_API_KEY", "key")
    monkeypatch.setenv("JOB_ID", JOB_ID)
    with serving(lambda _: says) as server, contextlib.redirect_stdout(io.StringIO()) as out:
        source = program.replace("https://backfills.example.com", server.url)
        exec(compile(source, "docs/client.md", "exec"), {})  # noqa: S102 - our own page
    assert out.getvalue().startswith(told)


def test_the_pages_tests_pass_and_can_fail() -> None:
    [program] = programs_of("docs/client.md")["transport"]
    names: dict[str, Any] = {}
    exec(compile(program, "docs/client.md", "exec"), names)  # noqa: S102 - our own page
    tests = [names[name] for name in names if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()
    names["checked"] = lambda *_: None
    for test in tests:
        with pytest.raises(pytest.fail.Exception):
            test()
