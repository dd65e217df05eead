"""Check what a case left behind: rows, counts, states, files, topics."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from infra.local import names
from infra.local.calls import call
from tests.e2e.support.bucket import staged_files
from tests.e2e.support.kafka import committed, topics
from tests.e2e.support.receiver import Request
from tests.reliability import report
from tests.reliability.crash.ground import Ground
from tests.reliability.crash.player import Played
from tests.reliability.findings import Findings
from tests.reliability.places import KINDS, without_repeats

STAGED_LEFT = "staged files left by completed or cancelled jobs"
TOPICS_LEFT = "topics left by cancelled jobs"
WRONG_END = "jobs with an unexpected final status"
WRONG_ANSWERS = "API answers with status 500 or with a false statement"
UNFOUNDED_ROWS = "rows outside the slice or with changed content"


_REMOVAL_SECONDS = 60.0


def check(ground: Ground, played: Played) -> Findings:
    """Check a case once it is at rest."""
    found = Findings()
    name = f"{played.case} ({', '.join(job['job_id'] for job in played.jobs)})"
    if played.rested_after is None:
        states = [f"{job['status']}, torn down: {job['torn_down']}" for job in played.jobs]
        found.blame(report.JOBS_STUCK, 1, f"{name} is {states}")
        return found
    end = played.case.scenario.end
    ends = [job["status"] for job in played.jobs]
    found.blame(WRONG_END, sum(each != end for each in ends), f"{name} ended {ends}")
    found.blame(report.COUNTS_WRONG, len(played.watch.counts_wrong), f"{name} {played.watch.counts_wrong}")
    found.blame(report.FINISHED_TWICE, len(played.watch.changed), f"{name} {played.watch.changed}")
    _check_answers(played, name, found)
    kinds = played.case.scenario.kinds
    if "kafka" in kinds:
        _check_kafka(ground, played, name, found)
    if "webhook" in kinds:
        _check_webhook(ground, played, name, found)
    for kind in set(kinds) & set(KINDS):
        _check_place(ground, played, kind, name, found)
    _check_receipts(ground, played, name, found)
    if end != "failed":
        cancelled = end == "cancelled"
        left = _staying(lambda: _staged_files(ground, played)) if cancelled else _staged_files(ground, played)
        found.blame(STAGED_LEFT, len(left), f"{name} {left}")
    return found


def _check_answers(played: Played, name: str, found: Findings) -> None:
    """Check the client's answers: its job exists, its key created no other, and there was no 500."""
    wrong = sum(status >= 500 and status != 503 for status in played.statuses)
    found.blame(WRONG_ANSWERS, wrong, f"{name} {played.statuses}")
    true = [job["job_id"] for job in played.jobs] == [played.heard]
    found.blame(WRONG_ANSWERS, int(not true), f"{name} was told of {played.heard}")


def _check_kafka(ground: Ground, played: Played, name: str, found: Findings) -> None:
    bootstrap = ground.stack.endpoints["kafka_bootstrap"]
    topic = f"beam.{names.ORGANIZATION}.{played.destination}"
    if played.case.scenario.end == "cancelled":
        there = bool(_staying(lambda: [topic] if topic in topics(bootstrap) else []))
        found.blame(TOPICS_LEFT, int(there), f"{name} {topic}")
    else:
        there = topic in topics(bootstrap)
    rows = [json.loads(value) for _, value in committed(bootstrap, topic)] if there else []
    _compare(ground, played, rows, f"{name}, Kafka", found, doubled=report.KAFKA_DUPLICATES)


def _staged_files(ground: Ground, played: Played) -> list[str]:
    return [path for job in played.jobs for path in staged_files(ground.stack.endpoints, job)]


def _staying(what: Callable[[], list[str]]) -> list[str]:
    """Return what is still there after a while: staging that the cancel overtook removes by itself what it
    created again.
    """
    until = time.monotonic() + _REMOVAL_SECONDS
    while (left := what()) and time.monotonic() < until:
        time.sleep(0.2)
    return left


def _check_webhook(ground: Ground, played: Played, name: str, found: Findings) -> None:
    first: dict[str, bytes] = {}
    changed = 0
    for request in played.requests:
        body = first.setdefault(request.headers["webhook-id"], request.body)
        changed += body != request.body
    found.blame(report.WEBHOOK_CHANGED, changed, name)
    found.figures[report.WEBHOOK_REPEATS] += _repeats(played.requests)
    rows = [row for body in first.values() for row in json.loads(body)]
    _compare(ground, played, rows, f"{name}, webhook", found, doubled=report.WEBHOOK_DUPLICATES)


def _check_place(ground: Ground, played: Played, kind: str, name: str, found: Findings) -> None:
    wanted = len(ground.rows) * sum(job["status"] == "completed" for job in played.jobs)
    messages = ground.places.arrived(kind, played.destination, wanted)
    kept = without_repeats(kind, messages)
    found.figures[report.MESSAGES_REPEATED] += len(messages) - len(kept)
    doubled = report.KAFKA_DUPLICATES if kind == "external_kafka" else report.OTHER_DUPLICATES
    _compare(ground, played, [message.row for message in kept], f"{name}, {kind}", found, doubled=doubled)


def _check_receipts(ground: Ground, played: Played, name: str, found: Findings) -> None:
    """The receipts of completed jobs balance."""
    endpoints = ground.stack.endpoints
    for job in played.jobs:
        if job["status"] != "completed":
            continue
        url = f"{endpoints['api_url']}/api/v1/beam/backfills/{job['job_id']}/receipt"
        answer = call("GET", url, headers={"X-API-Key": endpoints["api_key"]})
        true = answer.status == 200 and answer.json()["balanced"]
        found.blame(report.RECEIPTS_WRONG, int(not true), f"{name} {answer.data!r}")
        found.figures[report.RECEIPTS] += 1


def _repeats(requests: Sequence[Request]) -> int:
    return len(requests) - len({request.headers["webhook-id"] for request in requests})


def _compare(
    ground: Ground,
    played: Played,
    rows: Sequence[Mapping[str, Any]],
    name: str,
    found: Findings,
    *,
    doubled: str,
) -> None:
    """Check the rows: a completed job sends each exactly once, any other at most once."""
    expected = {} if played.case.scenario.empty else ground.rows
    completed = sum(job["status"] == "completed" for job in played.jobs)
    copies = Counter(str(row.get("unique_id")) for row in rows)
    strange = sum(json.dumps(row) != json.dumps(expected.get(str(row.get("unique_id")))) for row in rows)
    found.blame(UNFOUNDED_ROWS, strange, name)
    found.blame(report.ROWS_LOST, sum(max(0, completed - copies[each]) for each in expected), name)
    most = len(played.jobs)
    found.blame(doubled, sum(max(0, count - most) for count in copies.values()), name)
    found.figures[report.ROWS] += len(rows)
