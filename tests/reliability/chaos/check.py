"""Check what all errands left behind: rows, counts, states, files, topics."""

import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tests.e2e.support.bucket import staged_files
from tests.reliability import report
from tests.reliability.chaos.errand import Errand, Fate
from tests.reliability.chaos.ground import Ground
from tests.reliability.chaos.topics import Topics
from tests.reliability.findings import Findings
from tests.reliability.places import LABELLED, Message, external_topic, without_repeats

STAGED_LEFT = "staged files left by completed or cancelled jobs"
TOPICS_LEFT = "topics left by cancelled jobs"
WRONG_END = "jobs with an unexpected final status"
WRONG_ANSWERS = "API answers with status 500 or without JSON"
UNFOUNDED_ROWS = "rows outside the slice or with changed content"
UNTRUE = "jobs created twice or lost although the client reused its idempotency key"
UNRECOGNIZED = "at_least_once rows without unique headers that repeats reuse"
COMPLETED, CANCELLED, RETRIED = "jobs completed", "jobs cancelled", "jobs completed after a retry"
ZEROES = (STAGED_LEFT, TOPICS_LEFT, WRONG_END, WRONG_ANSWERS, UNFOUNDED_ROWS, UNTRUE, UNRECOGNIZED)
COUNTED = (
    COMPLETED,
    CANCELLED,
    RETRIED,
    report.RECEIPTS,
    report.ROWS,
    report.WEBHOOK_REPEATS,
    report.ROWS_REPEATED,
    report.MESSAGES_REPEATED,
)
SHOWN = (*COUNTED, *report.ZEROES, *ZEROES)
_REMOVAL_LIMIT = 60.0


def check(ground: Ground, errands: Sequence[Errand]) -> Findings:
    """Check the errands once they are at rest."""
    found = Findings()
    topics = Topics(ground.stack.endpoints["kafka_bootstrap"])
    _await_removals(topics, errands)
    names = {name for errand in errands for name in (*topics_of(errand), *_external(errand))}
    messages = topics.messages(names & topics.there().keys())
    for errand in errands:
        _check_errand(errand, messages, found)
    wrong = ground.client.wrong
    found.blame(WRONG_ANSWERS, len(wrong), f"the API answered {wrong[:5]}")
    return found


def topics_of(errand: Errand) -> list[str]:
    """Return the full names of the errand's topics."""
    return [f"beam.{errand.ground.stack.endpoints['organization_id']}.{name}" for name in errand.topics]


def _external(errand: Errand) -> list[str]:
    return [external_topic(errand.name)] if "external_kafka" in errand.plan.kinds else []


def _await_removals(topics: Topics, errands: Sequence[Errand]) -> None:
    """Wait for removals: staging that a cancel overtook removes by itself what it created later."""
    cancelled = [errand for errand in errands if any(job["status"] == "cancelled" for job in errand.jobs)]
    until = time.monotonic() + _REMOVAL_LIMIT
    while time.monotonic() < until and _anything_left(topics, cancelled):
        time.sleep(0.2)


def _anything_left(topics: Topics, errands: Sequence[Errand]) -> bool:
    there = topics.there()
    return any(name in there for errand in errands for name in topics_of(errand)) or any(
        staged_files(errand.ground.stack.endpoints, job) for errand in errands for job in errand.jobs
    )


def _check_errand(errand: Errand, messages: Mapping[str, list[Message]], found: Findings) -> None:
    states = [f"{job['status']} {job['error_message']} torn down: {job['torn_down']}" for job in errand.jobs]
    name = f"{errand.name} {errand.plan} ({errand.heard}) {states}"
    if errand.trouble or not errand.at_rest:
        found.blame(report.JOBS_STUCK, 1, f"{name} {errand.trouble}")
        return
    found.blame(UNTRUE, int([job["job_id"] for job in errand.jobs] != [errand.heard]), name)
    found.blame(report.COUNTS_WRONG, len(errand.watch.counts_wrong), f"{name} {errand.watch.counts_wrong}")
    found.blame(report.FINISHED_TWICE, len(errand.watch.changed), f"{name} {errand.watch.changed}")
    (job,) = errand.jobs[:1]
    _check_count(errand, job, name, found)
    wanted = "cancelled" if errand.cancel_status == 200 else "completed"
    found.blame(WRONG_END, int(job["status"] != wanted), name)
    completed = job["status"] == "completed"
    found.figures[COMPLETED if completed else CANCELLED] += 1
    found.figures[RETRIED] += int(completed and errand.plan.fate is Fate.REFUSED)
    left = staged_files(errand.ground.stack.endpoints, job)
    found.blame(STAGED_LEFT, len(left), f"{name} {sorted(left)}")
    for topic in topics_of(errand):
        if not completed:
            found.blame(TOPICS_LEFT, int(topic in messages), f"{name} {topic}")
        there, again = messages.get(topic, []), report.KAFKA_DUPLICATES
        if errand.plan.at_least_once:
            again = report.ROWS_REPEATED
            found.blame(UNRECOGNIZED, _unrecognized(there), f"{name}, {topic}")
        _compare(errand, [message.row for message in there], f"{name}, {topic}", found, again)
    if errand.plan.hook:
        _check_webhook(errand, f"{name}, webhook", found)
    for topic in _external(errand):
        rows = [message.row for message in messages.get(topic, [])]
        _compare(errand, rows, f"{name}, external Kafka", found, report.KAFKA_DUPLICATES)
    for kind in errand.plan.kinds:
        if kind != "external_kafka":
            _check_place(errand, kind, name, found, completed=completed)
    if completed:
        _check_receipt(errand, name, found)


def _check_count(errand: Errand, job: Mapping[str, Any], name: str, found: Findings) -> None:
    """Check that ``chunks_left`` equals the number of undelivered chunk records."""
    counted = sum(errand.ground.records.counts(job))
    truth = errand.ground.records.undelivered(job) if job["num_chunks"] is not None else 0
    found.blame(report.COUNTS_WRONG, int(counted != truth), f"{name}: counted {counted}, in truth {truth}")


def _unrecognized(messages: Sequence[Message]) -> int:
    """Count messages that lack a header, or whose headers do not identify exactly one row."""
    rows: dict[tuple[bytes | None, ...], str] = {}
    labels: dict[str, tuple[bytes | None, ...]] = {}
    wrong = 0
    for message in messages:
        label, row = message.label, json.dumps(message.row)
        alike = rows.setdefault(label, row) == row and labels.setdefault(row, label) == label
        wrong += None in label or not alike
    return wrong


def _check_webhook(errand: Errand, name: str, found: Findings) -> None:
    batches = errand.ground.inbox.batches(errand.path)
    first: dict[str, bytes] = {}
    for batch in batches:
        body = first.setdefault(batch.identifier, batch.body)
        found.blame(report.WEBHOOK_CHANGED, int(body != batch.body), name)
    accepted = {batch.identifier for batch in batches if batch.accepted}
    found.figures[report.WEBHOOK_REPEATS] += len(batches) - len(first)
    rows = [row for identifier in accepted for row in json.loads(first[identifier])]
    _compare(errand, rows, name, found, report.WEBHOOK_DUPLICATES)


def _check_place(errand: Errand, kind: str, name: str, found: Findings, *, completed: bool) -> None:
    wanted = sum(len(errand.ground.rows[number]) for number in errand.plan.slices) if completed else 0
    messages = errand.ground.places.arrived(kind, errand.name, wanted)
    if kind in LABELLED:
        found.blame(UNRECOGNIZED, _unrecognized(messages), f"{name}, {kind}")
    kept = without_repeats(kind, messages)
    found.figures[report.MESSAGES_REPEATED] += len(messages) - len(kept)
    rows = [message.row for message in kept]
    _compare(errand, rows, f"{name}, {kind}", found, report.OTHER_DUPLICATES)


def _check_receipt(errand: Errand, name: str, found: Findings) -> None:
    """A completed job's receipt balances, and has all rows of the slice."""
    status, receipt = errand.ground.client.ask("GET", f"/{errand.heard}/receipt", patience=_REMOVAL_LIMIT)
    rows = sum(len(errand.ground.rows[number]) for number in errand.plan.slices)
    true = (
        status == 200
        and receipt["balanced"]
        and receipt["unload"]["rows"] == rows
        and all(each["rows_delivered"] == rows for each in receipt["destinations"])
    )
    found.blame(report.RECEIPTS_WRONG, int(not true), f"{name} {status} {receipt}")
    found.figures[report.RECEIPTS] += 1


def _compare(errand: Errand, rows: Sequence[Any], name: str, found: Findings, again: str) -> None:
    """Check the rows: a completed job sent each exactly once, a cancelled one at most once."""
    expected = {key: row for number in errand.plan.slices for key, row in errand.ground.rows[number].items()}
    copies: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        key = str(row.get("unique_id"))
        copies[key] += 1
        if json.dumps(row) != json.dumps(expected.get(key)):
            found.blame(UNFOUNDED_ROWS, 1, f"{name} {row}")
    if all(job["status"] == "completed" for job in errand.jobs):
        found.blame(report.ROWS_LOST, sum(copies[each] == 0 for each in expected), name)
    repeated = sum(count - 1 for count in copies.values() if count > 1)
    if again == report.ROWS_REPEATED:
        found.figures[again] += repeated
    else:
        found.blame(again, repeated, name)
    found.figures[report.ROWS] += len(rows)
