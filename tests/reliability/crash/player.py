"""Play one case: run a job with armed crash points, and watch it until it is at rest."""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3

from tests.e2e.support.client import MARCH, backfill, kafka, wait_until, webhook
from tests.e2e.support.queue import DEAD_LETTER, Queue
from tests.e2e.support.receiver import NarrowReceiver, Request
from tests.reliability.crash.control import Fate
from tests.reliability.crash.ground import ACK_DEADLINE, Ground
from tests.reliability.crash.scenarios import Scenario
from tests.reliability.watch import Watch

# Seconds after the last fault: a job that is not at rest by then is stuck.
STUCK_AFTER = 2.0 * ACK_DEADLINE
_LOOK_AGAIN = 0.15
_WAY_LIMIT = 180.0  # seconds for a job to reach the state that the scenario waits for
_EMPTY_WINDOW = ("2020-01-01T00:00:00", "2020-01-02T00:00:00")
_TERMINAL = {"completed", "failed", "cancelled"}


@dataclass(frozen=True)
class Case:
    """A scenario and its armed points."""

    scenario: Scenario
    points: tuple[str, ...] = ()

    @property
    def armed(self) -> Mapping[str, Fate]:
        return {**self.scenario.setup, **dict.fromkeys(self.points, Fate.KILL)}

    def __str__(self) -> str:
        return f"{self.scenario.name}: {' and '.join(self.points) or 'undisturbed'}"


@dataclass
class Played:
    """A case's result. ``jobs``: the records of all the client's attempts; ``rested_after``: seconds from the
    last fault, None if it never rested.
    """

    case: Case
    destination: str
    jobs: list[dict[str, Any]]
    requests: list[Request]
    hit: set[str]
    seen: set[str]
    watch: Watch
    heard: str
    statuses: list[int]
    rested_after: float | None


class _Receiver(NarrowReceiver):
    def recover(self) -> None:
        """Answer normally from now on."""
        self._replies.clear()


@dataclass
class _Client:
    """A client that repeats a request until it is answered; ``statuses``: all answers."""

    ground: Ground
    statuses: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._http = urllib3.PoolManager(retries=False, timeout=60.0)

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """Return the JSON of the first answer that is not 503."""
        endpoints = self.ground.stack.endpoints
        url = f"{endpoints['api_url']}/api/v1/beam/backfills{path}"
        head = {"X-API-Key": endpoints["api_key"], "Connection": "close", **(headers or {})}
        until = time.monotonic() + _WAY_LIMIT
        while time.monotonic() < until:
            try:
                answer = self._http.request(method, url, json=body, headers=head)
            except urllib3.exceptions.HTTPError:
                time.sleep(0.1)
                continue
            self.statuses.append(answer.status)
            if answer.status != 503:  # which asks for a retry
                return answer.json()
            time.sleep(0.2)
        raise AssertionError(f"{method} {path} was not answered")


def play(ground: Ground, case: Case) -> Played:
    """Play the case on an idle ground."""
    scenario = case.scenario
    destination = f"case-{uuid.uuid4().hex[:12]}"
    watch, client = Watch(ground.records, destination), _Client(ground)
    ground.control.clear()
    ground.control.arm(case.armed)
    if scenario.unload_failure:
        ground.warehouse.fail_unloads(*scenario.unload_failure)
    try:
        with (
            ground.warehouse.slow_unloads(scenario.unload_seconds),
            _Receiver(scenario.takes, *scenario.replies) as receiver,
        ):
            heard = _create(ground, case, client, destination, receiver)
            _interfere(ground, scenario, client, watch, receiver)
            rested = _rest(ground, watch)
            return Played(
                case,
                destination,
                watch.look(),
                receiver.taken(),
                ground.control.hit(),
                ground.control.seen(),
                watch,
                heard,
                client.statuses,
                rested,
            )
    finally:
        ground.control.disarm()


def _create(ground: Ground, case: Case, client: _Client, destination: str, receiver: _Receiver) -> str:
    scenario = case.scenario
    body = backfill(
        ground.table,
        [_destination(ground, kind, destination, receiver) for kind in scenario.kinds],
        column=scenario.filter_column,
        values=[1] if scenario.filter_column else None,
        window=_EMPTY_WINDOW if scenario.empty else MARCH,
    )
    if scenario.parallel is not None:
        body["max_parallel_chunks"] = scenario.parallel
    key = {"Idempotency-Key": destination} if scenario.keyed else {}
    answer = client.ask("POST", "", {**body, "job_name": destination}, key)
    return str(answer["job_id"])


def _destination(ground: Ground, kind: str, name: str, receiver: _Receiver) -> dict[str, Any]:
    if kind == "kafka":
        return kafka(name)
    return webhook(name, receiver.url) if kind == "webhook" else ground.places.create(kind, name)


def _interfere(
    ground: Ground, scenario: Scenario, client: _Client, watch: Watch, receiver: _Receiver
) -> None:
    """Do what the scenario does to its running job."""
    if scenario.dead_letter:
        _give_up(ground, watch, receiver)
    if scenario.outage:
        _come_to(lambda: _disturbed(ground, scenario), "the scenario's first faults")
        ground.control.arm({scenario.outage: Fate.OUTAGE})
    ready: dict[str, Callable[[], bool]] = {
        "unloading": lambda: _unloading(ground, watch),
        "delivering": lambda: bool(receiver.requests),
        "disturbed": lambda: _disturbed(ground, scenario),
    }
    for when in filter(None, (scenario.cancel_when, scenario.pause_when)):
        _come_to(ready[when], when)
    if scenario.cancel_when:
        _have_all(client, watch, "cancel")
    if scenario.pause_when:
        _have_all(client, watch, "pause")
        _come_to(lambda: _settled(watch), "the end of its deliveries")
        receiver.recover()
        _have_all(client, watch, "resume")
    if scenario.retry_when:
        _come_to(lambda: _failed(watch, torn_down=scenario.retry_when == "torn down"), "a failure")
        receiver.recover()
        if scenario.outage:
            ground.control.disarm(scenario.outage)
        for job in watch.look():
            client.ask("POST", f"/{job['job_id']}/retry")


def _give_up(ground: Ground, watch: Watch, receiver: _Receiver) -> None:
    """Publish the message of a begun delivery as Pub/Sub does after its last attempt."""
    _come_to(lambda: bool(receiver.requests), "the first request")
    job = next(job for job in watch.look() if job["status"] == "transporting")
    names_of = ("organization_id", "job_id", "retry", "opening")
    # The chunk of a begun delivery: the id ends in chunk, destination and batch.
    chunk = int(receiver.requests[0].headers["webhook-id"].split("_")[-3])
    message = {"kind": "deliver", "chunk": chunk, "attempt_id": job["attempt"]["attempt_id"]}
    message |= {name: job[name] for name in names_of}
    Queue(ground.stack.endpoints).publish(DEAD_LETTER, [json.dumps(message).encode()])


def _have_all(client: _Client, watch: Watch, act: str) -> None:
    """Make the client do this to each of its visible jobs."""
    for job in watch.look():
        if job["confirmed"]:
            client.ask("POST", f"/{job['job_id']}/{act}")


def _disturbed(ground: Ground, scenario: Scenario) -> bool:
    """Return whether all points of the scenario's setup were hit."""
    return set(scenario.setup) <= ground.control.hit()


def _settled(watch: Watch) -> bool:
    """Return whether everything that Kafka has of a paused job is recorded."""
    jobs = [job for job in watch.look() if job["confirmed"]]
    return bool(jobs) and all(job["num_chunks"] is not None and job["reconciled"] for job in jobs)


def _failed(watch: Watch, *, torn_down: bool) -> bool:
    jobs = watch.look()
    return bool(jobs) and all(
        job["status"] == "failed" and (job["torn_down"] or not torn_down) for job in jobs
    )


def _unloading(ground: Ground, watch: Watch) -> bool:
    """Return whether every job visible to the client has a query in Snowflake, and there is at least one."""
    jobs = [job for job in watch.look() if job["confirmed"]]
    return bool(jobs) and all(ground.warehouse.unloads(job["job_id"]) for job in jobs)


def _come_to(condition: Callable[[], bool], what: str) -> None:
    wait_until(condition, what, _WAY_LIMIT)


def _rest(ground: Ground, watch: Watch) -> float | None:
    """Wait until every job is at rest; return the seconds since the last fault, or since now without one."""
    began = time.time()
    while True:
        jobs = watch.look()
        last_fault = max(began, ground.control.last_hit())
        if jobs and all(job["status"] in _TERMINAL and job["torn_down"] for job in jobs):
            return time.time() - last_fault
        if time.time() - last_fault > STUCK_AFTER:
            return None
        time.sleep(_LOOK_AGAIN)
