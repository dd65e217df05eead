"""A server on loopback with the real console, the real OpenAPI document, and a test's jobs."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server

from shared.web.body import read_json
from shared.web.errors import Invalid
from shared.web.routes import BACKFILLS
from shared.web.validation import read_backfill, read_estimate
from tests.fakes.console_jobs import Json, chunk_lines, new_job, receipt, stamp
from tests.fakes.web import KEY, Service


@dataclass
class Scene:
    """The server's answers. ``answers``: sent first, each once; None: no answer until the server ends."""

    jobs: list[Json] = field(default_factory=list)
    lines: dict[str, list[Json]] = field(default_factory=dict)
    answers: list[Response | None] = field(default_factory=list)
    estimate: Json = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    service: Service = field(default_factory=lambda: Service(allow_insecure_destinations=True))

    def add(self, job: Json, lines: list[Json] | None = None) -> Json:
        self.jobs.insert(0, job)
        self.lines[job["job_id"]] = lines or []
        return job

    def refuse(self, status: int, detail: Any, **headers: str) -> None:
        """Answer the next call with this error."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append(_json({"detail": detail}, status, named))

    def answer(self, request: Request) -> Response:
        if not request.path.startswith(BACKFILLS):
            return self.service.api.handle(request)
        self.asked.append((request.method, request.full_path.rstrip("?")))
        if "Idempotency-Key" in request.headers:
            self.keys.append(request.headers["Idempotency-Key"])
        if self.answers:
            scripted = self.answers.pop(0)
            if scripted is not None:
                return scripted
            self.ended.wait()
        if request.headers.get("X-API-Key") != KEY:
            return _json({"detail": "Give a valid API key in the header X-API-Key"}, 401)
        try:
            return self._of(request, request.path.removeprefix(BACKFILLS).strip("/").split("/"))
        except Invalid as error:
            return _json({"detail": error.faults}, 422)

    def _of(self, request: Request, parts: list[str]) -> Response:
        if parts == [""]:
            return self._list(request) if request.method == "GET" else self._create(request)
        if parts == ["estimate"]:
            read_estimate(read_json(request), self.service.api.rules)
            return _json(self.estimate)
        return self._of_one(request, parts)

    def _of_one(self, request: Request, parts: list[str]) -> Response:
        job = next((job for job in self.jobs if job["job_id"] == parts[0]), None)
        if job is None:
            return _json({"detail": "There is no such job"}, 404)
        match parts[1:]:
            case []:
                return _json(job)
            case ["receipt"]:
                return _json(receipt(job))
            case ["receipt", "chunks"]:
                start, limit = int(request.args["cursor"]), int(request.args["limit"])
                lines = [json.dumps(line) + "\n" for line in self.lines[job["job_id"]][start : start + limit]]
                return Response("".join(lines), mimetype="application/x-ndjson")
            case [action]:
                return _json(_changed(job, action))
        raise AssertionError(parts)

    def _list(self, request: Request) -> Response:
        wanted = request.args.getlist("status")
        found = [_listed(job) for job in self.jobs if not wanted or job["status"] in wanted]
        start, limit = int(request.args.get("cursor", 0)), int(request.args["limit"])
        more = f'<{BACKFILLS}?order=desc&limit={limit}&cursor={start + limit}>; rel="next"'
        headers = {"Link": more} if start + limit < len(found) else {}
        return _json(found[start : start + limit], headers=headers)

    def _create(self, request: Request) -> Response:
        body = read_json(request)
        self.bodies.append(body)
        read_backfill(body, self.service.api.rules)
        number = 1000 + len(self.jobs)
        job = self.add(new_job(number, job_name=body["job_name"], status="staging", chunks=None))
        return _json({"job_id": job["job_id"], "workflow_id": job["workflow_id"]}, 201)


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - named so by its base
        """Log nothing: tests read the requests from the scene."""


@contextmanager
def scene() -> Iterator[Scene]:
    """Start a server of its own."""
    made = Scene()
    application = Request.application(made.answer)
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Quiet)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _listed(job: Json) -> Json:
    left_out = {
        "progress",
        "warnings",
        "paused",
        "time_paused",
        "columns",
        "oversized_rows",
        "max_parallel_chunks",
    }
    shown = {name: value for name, value in job.items() if name not in left_out}
    places = [{name: value for name, value in one.items() if name != "state"} for one in job["destinations"]]
    return shown | {"destinations": places}


def _changed(job: Json, action: str) -> Json:
    ended = stamp(datetime.now(UTC))
    changes: dict[str, Json] = {
        "pause": {"paused": True, "time_paused": ended},
        "resume": {"paused": False, "time_paused": None},
        "cancel": {"status": "cancelled", "time_completed": ended},
        "retry": {"status": "transporting", "error_message": None, "time_completed": None},
    }
    job |= changes[action]
    return job


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(body), status, headers, mimetype="application/json")


def gallery(scene: Scene) -> None:
    """Add jobs of every kind, for pictures."""
    for number in range(28):
        scene.add(new_job(number, age=timedelta(hours=40 - number)))
    long_ago, both = timedelta(hours=5), ("kafka", "webhook")
    slow = scene.add(new_job(30, status="failed", chunks=240, done=97, kinds=both, age=long_ago))
    slow["error_message"] = (
        "The webhook ledger refused a batch of chunk 97 with 422. Fix the receiver, then retry the job."
    )
    scene.lines[slow["job_id"]] = chunk_lines(slow, under_way=8)
    scene.add(new_job(31, status="cancelled", chunks=48, done=11, age=timedelta(hours=3)))
    busy = new_job(32, status="transporting", chunks=2400, done=1370, kinds=("kafka", "webhook", "gcs"))
    busy["destinations"][1]["state"]["last_error"] = "It answered 503, and asked for 30 seconds of rest"
    scene.add(busy, chunk_lines(busy, under_way=48, rows=lambda number: 30_000 + (number * 7919) % 20_000))
    scene.add(new_job(33, status="staging", chunks=None, kinds=("gcs", "kafka"), age=timedelta(seconds=40)))


def wait_for(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Wait until the condition holds; fail after this many seconds, with ``what`` in the message."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"timeout while waiting for: {what}"
        time.sleep(0.05)
