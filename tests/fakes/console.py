"""A server on loopback with the real console, the real description, and jobs that a test makes up."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server

from shared.web.app import BACKFILLS
from shared.web.body import read_json
from shared.web.errors import Invalid
from shared.web.validation import read_backfill, read_estimate
from tests.fakes.web import KEY, Service

NOW = datetime.now(UTC).replace(microsecond=0)
ORGANIZATION = "acme"
ROWS_OF_A_CHUNK = 40_000
Json = dict[str, Any]

ESTIMATE: dict[str, Any] = {
    "rows": 1_234_567,
    "chunks": 31,
    "bytes": 987_654_321,
    "first_rows": [
        {
            "block_number": 12_345_678_901_234_567_890_123,
            "token_address": "0x833589fcd6edb6e08f4c7c32d4f71b54bda02913",
            "amount": "1.50",
            "memo": None,
            "data": {"a": [1]},
        }
    ],
    "warnings": ["The window ends in the future"],
    "cost": {
        "currency": "USD",
        "low": 0.12,
        "high": 0.47,
        "parts": {"snowflake": {"low": 0.1, "high": 0.4}, "storage": {"low": 0.02, "high": 0.07}},
        "prices_of": "2026-10",
        "assumptions": ["List prices"],
    },
}


def stamp(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


@dataclass
class Scene:
    """What the server answers. ``answers``: first these, each once; for None, nothing until it ends."""

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
        """The next call is answered so."""
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
        """Tests read what was asked from the scene."""


@contextmanager
def scene() -> Iterator[Scene]:
    """A server of its own."""
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


def new_job(
    number: int,
    *,
    status: str = "completed",
    chunks: int | None = 12,
    done: int | None = None,
    kinds: tuple[str, ...] = ("kafka",),
    age: timedelta = timedelta(minutes=20),
    **changes: Any,
) -> Json:
    """A job as the API shows a single one; ``done`` of its ``chunks`` are at every destination."""
    done = (chunks if status == "completed" else 0) if done is None else done
    created = NOW - age
    over = status in {"completed", "failed", "cancelled"}
    rows = None if chunks is None else chunks * ROWS_OF_A_CHUNK
    rows_done = (done or 0) * ROWS_OF_A_CHUNK
    at_work = "failed" if over else "delivering" if status == "transporting" else "pending"
    state = {
        "status": "done" if chunks is not None and done == chunks else at_work,
        "chunks_done": done or 0,
        "rows_done": rows_done,
        "last_error": None,
    }
    job_id = str(UUID(int=0x1B4F_9D00 + number, version=4))
    return {
        "job_id": job_id,
        "workflow_id": f"beam-backfill-{ORGANIZATION}-{job_id}",
        "organization_id": ORGANIZATION,
        "status": status,
        "job_name": f"USDC transfers on Base, week {number + 1}",
        "table": "base.assets.erc20_token_transfers",
        "partition_key": "block_timestamp",
        "backfill_start": "2026-03-01T00:00:00",
        "backfill_end": "2026-03-08T00:00:00",
        "filter_column": "token_address",
        "filter_values": ["0x833589fcd6edb6e08f4c7c32d4f71b54bda02913"],
        "destinations": [
            _destination(kind, number, place) | {"state": dict(state)} for place, kind in enumerate(kinds)
        ],
        "static_egress_ip": False,
        "num_chunks": chunks,
        "chunks_left": None if chunks is None else chunks - (done or 0),
        "error_message": None,
        "time_created": stamp(created),
        "time_completed": stamp(created + age * 0.8) if over else None,
        "progress": {
            "chunks_done": done or 0,
            "chunks_total": chunks,
            "rows_done": rows_done,
            "rows_total": rows,
        },
        "paused": False,
        "time_paused": None,
    } | changes


def chunk_lines(
    job: Json, *, under_way: int = 0, rows: Callable[[int], int] = lambda _: ROWS_OF_A_CHUNK
) -> list[Json]:
    """Its receipt's lines: the first are done, as many as its progress says, the next ones under way."""
    done, created = job["progress"]["chunks_done"], datetime.fromisoformat(job["time_created"])
    end = datetime.fromisoformat(job["time_completed"]) if job["time_completed"] else NOW
    lines = []
    for number in range(job["num_chunks"] or 0):
        moment = created + (end - created) * (0.1 + 0.9 * (number + 1) / max(1, done))
        deliveries = [
            {
                "uid": one["uid"],
                "rows": rows(number) if number < done else 0,
                "rows_skipped": 0,
                "attempts": 1,
                "time_done": stamp(moment) if number < done else None,
            }
            for one in job["destinations"]
            if number < done + under_way
        ]
        lines.append(
            {
                "chunk": number,
                "file": f"{ORGANIZATION}/{job['job_id']}/a1/data_0_{number}_0.snappy.parquet",
                "rows": rows(number),
                "bytes": 4 * 1024 * 1024,
                "crc32c": "yZRlqg==" if deliveries else None,
                "deliveries": deliveries,
            }
        )
    return lines


def receipt(job: Json) -> Json:
    total, done = job["progress"]["rows_total"], job["progress"]["rows_done"]
    return {
        "job_id": job["job_id"],
        "status": job["status"],
        "unload": {
            "query_id": "01b8c2f4-0504-7a3e-0002-f0470009d2a6",
            "rows": total,
            "chunks": job["num_chunks"],
            "bytes": job["num_chunks"] * 4 * 1024 * 1024,
        },
        "destinations": [
            {
                "uid": one["uid"],
                "type": one["type"],
                "name": one["name"],
                "rows_delivered": one["state"]["rows_done"],
                "rows_skipped": 0,
                "chunks_delivered": one["state"]["chunks_done"],
                "complete": one["state"]["status"] == "done",
            }
            for one in job["destinations"]
        ],
        "balanced": total == done,
    }


def _destination(kind: str, number: int, place: int) -> Json:
    options: dict[str, Json] = {
        "kafka": {"name": f"base-usdc-week-{number + 1}"},
        "webhook": {"name": "ledger", "url": "https://ledger.example.com/rows", "hash_key": "WEBHOOK_KEY"},
        "gcs": {"name": "lake", "bucket": "acme-lake", "prefix": "exports/base/"},
    }
    return {"type": kind, **options[kind], "uid": f"{number:04x}{place:08x}"}


def _listed(job: Json) -> Json:
    left_out = {"progress", "paused", "time_paused", "columns", "oversized_rows", "max_parallel_chunks"}
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
    """Jobs of every kind, as for pictures."""
    for number in range(28):
        scene.add(new_job(number, age=timedelta(hours=40 - number)))
    long_ago, both = timedelta(hours=5), ("kafka", "webhook")
    slow = scene.add(new_job(30, status="failed", chunks=240, done=97, kinds=both, age=long_ago))
    slow["error_message"] = (
        "The webhook ledger refused a batch of chunk 97 with 422. Mend the receiver, then retry the job."
    )
    scene.lines[slow["job_id"]] = chunk_lines(slow, under_way=8)
    scene.add(new_job(31, status="cancelled", chunks=48, done=11, age=timedelta(hours=3)))
    busy = new_job(32, status="transporting", chunks=2400, done=1370, kinds=("kafka", "webhook", "gcs"))
    busy["destinations"][1]["state"]["last_error"] = "It answered 503, and asked for 30 seconds of rest"
    scene.add(busy, chunk_lines(busy, under_way=48, rows=lambda number: 30_000 + (number * 7919) % 20_000))
    scene.add(new_job(33, status="staging", chunks=None, kinds=("gcs", "kafka"), age=timedelta(seconds=40)))


def wait_for(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Wait until it is so; fail after so many seconds, saying what was waited for."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"waited in vain: {what}"
        time.sleep(0.05)
