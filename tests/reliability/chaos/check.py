"""Compares what all errands left behind with what they must: rows, counts, states, files, topics."""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # public, not said so

from tests.e2e.support.bucket import staged_files
from tests.reliability import report
from tests.reliability.chaos.errand import Errand, Fate
from tests.reliability.chaos.ground import Ground

STAGED_LEFT = "staged files left by completed or cancelled jobs"
TOPICS_LEFT = "topics left by cancelled jobs"
WRONG_END = "jobs with an unexpected final status"
WRONG_ANSWERS = "API answers with status 500 or without JSON"
UNFOUNDED_ROWS = "rows outside the slice or with changed content"
UNTRUE = "jobs created twice or lost although the client reused its idempotency key"
UNRECOGNIZED = "at_least_once rows without unique headers that repeats reuse"
COMPLETED, CANCELLED, RETRIED = "jobs completed", "jobs cancelled", "jobs completed after a retry"
ZEROES = (STAGED_LEFT, TOPICS_LEFT, WRONG_END, WRONG_ANSWERS, UNFOUNDED_ROWS, UNTRUE, UNRECOGNIZED)
COUNTED = (COMPLETED, CANCELLED, RETRIED, report.ROWS, report.WEBHOOK_REPEATS, report.ROWS_REPEATED)
LABELS = ("beam-job-id", "beam-chunk", "beam-row")
_SETTLE_LIMIT = 120.0
_REMOVAL_LIMIT = 60.0


@dataclass(frozen=True, slots=True)
class Message:
    """A row as Kafka has it, and the headers that tell it from every other."""

    row: Any
    headers: Mapping[str, bytes]


@dataclass
class Findings:
    """Figures by name, and what was wrong in words."""

    figures: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def blame(self, figure: str, count: int, what: str) -> None:
        if count:
            self.figures[figure] += count
            self.faults.append(f"{what}: {figure}: {count}")

    def shown(self) -> dict[str, float]:
        """Every figure, also those that are 0."""
        return {name: self.figures[name] for name in (*COUNTED, *report.ZEROES, *ZEROES)}


def check(ground: Ground, errands: Sequence[Errand]) -> Findings:
    """Everything that can be said of the errands once they are at rest."""
    found = Findings()
    topics = Topics(ground.stack.endpoints["kafka_bootstrap"])
    _await_removals(topics, errands)
    names = {name for errand in errands for name in topics_of(errand) if name in topics.there()}
    messages = topics.messages(names)
    for errand in errands:
        _check_errand(errand, messages, found)
    wrong = ground.client.wrong
    found.blame(WRONG_ANSWERS, len(wrong), f"the API answered {wrong[:5]}")
    return found


def topics_of(errand: Errand) -> list[str]:
    """The full names of the errand's topics."""
    return [f"beam.{errand.ground.stack.endpoints['organization_id']}.{name}" for name in errand.topics]


class Topics:
    """Reads many topics at once, as a consumer that sees committed rows only."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap})

    def there(self) -> Mapping[str, Any]:
        topics: Mapping[str, Any] = self._admin.list_topics(timeout=60).topics
        return topics

    def messages(self, names: Iterable[str]) -> dict[str, list[Message]]:
        """Every topic's messages, once no transaction is open on them."""
        found: dict[str, list[Message]] = {name: [] for name in names}
        there = self.there()
        partitions = [
            TopicPartition(name, partition, 0) for name in found for partition in there[name].partitions
        ]
        if not partitions:
            return found
        self._settle(partitions)
        properties = {
            "bootstrap.servers": self._bootstrap,
            "group.id": "checker",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "log_level": 0,
        }
        ended: set[tuple[str, int]] = set()
        with closing(Consumer(properties)) as consumer:
            consumer.assign(partitions)
            while len(ended) < len(partitions):
                message: Any  # the client's own types allow for None where a message has none
                for message in consumer.consume(5_000, timeout=1.0):
                    if message.error() is not None:
                        ended.add((message.topic(), message.partition()))
                    else:
                        headers = dict(message.headers() or ())
                        found[message.topic()].append(Message(json.loads(message.value()), headers))
        return found

    def _settle(self, partitions: Sequence[TopicPartition]) -> None:
        committed, written = IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED
        until = time.monotonic() + _SETTLE_LIMIT
        while self._ends(partitions, committed) != (ends := self._ends(partitions, written)):
            assert time.monotonic() < until, f"a transaction stayed open: {ends}"
            time.sleep(0.2)

    def _ends(self, partitions: Sequence[TopicPartition], level: IsolationLevel) -> list[int]:
        latest = {
            TopicPartition(each.topic, each.partition): OffsetSpec.latest()  # type: ignore[no-untyped-call]  # so it ships
            for each in partitions
        }
        asked = self._admin.list_offsets(latest, isolation_level=level, request_timeout=60)
        return [future.result().offset for future in asked.values()]


def _await_removals(topics: Topics, errands: Sequence[Errand]) -> None:
    """A staging that a cancel overtook, and that made something once more, takes it back by itself."""
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


def _check_count(errand: Errand, job: Mapping[str, Any], name: str, found: Findings) -> None:
    """``chunks_left`` is the count of the chunk records that are not delivered."""
    counted = sum(errand.ground.records.counts(job))
    truth = errand.ground.records.undelivered(job) if job["num_chunks"] is not None else 0
    found.blame(report.COUNTS_WRONG, int(counted != truth), f"{name}: counted {counted}, in truth {truth}")


def _unrecognized(messages: Sequence[Message]) -> int:
    """Messages that lack a header, or whose headers do not stand for one row, and it for them."""
    rows: dict[tuple[bytes | None, ...], str] = {}
    labels: dict[str, tuple[bytes | None, ...]] = {}
    wrong = 0
    for message in messages:
        label, row = tuple(map(message.headers.get, LABELS)), json.dumps(message.row)
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


def _compare(errand: Errand, rows: Sequence[Any], name: str, found: Findings, again: str) -> None:
    """A completed job sent every row once; one that was cancelled, each row once at most."""
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
