"""One job from its client's view: created, possibly cancelled, paused or retried, then at rest."""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.e2e.support.client import backfill, kafka, webhook
from tests.reliability.chaos.ground import Ground
from tests.reliability.chaos.inbox import Reply
from tests.reliability.watch import Watch

_LOOK_AGAIN = 0.5
_PATIENCE = 240.0  # seconds for which a client repeats one call, or waits for a job that it wants to cancel
TERMINAL = {"completed", "failed", "cancelled"}


class Fate(StrEnum):
    """What the client, or its receiver, does to the job."""

    LEFT_ALONE = "left alone"
    CANCELLED = "cancelled"
    PAUSED = "paused, then resumed"
    REFUSED = "refused once, then retried"


@dataclass(frozen=True, slots=True)
class Plan:
    """``topics``: the number of Kafka destinations; ``kinds``: the others except a webhook; ``after``:
    seconds until the cancel or pause; ``pause``: its length in seconds.
    """

    slices: Sequence[int]
    topics: int = 1
    hook: bool = True
    kinds: tuple[str, ...] = ()
    at_least_once: bool = False
    fate: Fate = Fate.LEFT_ALONE
    after: float = 0.0
    pause: float = 0.0
    parallel: int | None = None


@dataclass
class Errand:
    """``heard``: the job's id as the client got it; ``stop_watching`` ends the watching of a job that does
    not come to rest; ``others``: the destinations of the plan's other kinds.
    """

    ground: Ground
    plan: Plan
    stop_watching: Callable[[], bool] = lambda: False
    name: str = field(default_factory=lambda: f"errand-{uuid.uuid4().hex[:12]}")
    heard: str = ""
    cancel_status: int = 0
    trouble: str = ""
    jobs: list[dict[str, Any]] = field(default_factory=list)
    others: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watch = Watch(self.ground.records, self.name)

    @property
    def path(self) -> str:
        """Return the receiver's path."""
        return f"/{self.name}/{self.plan.fate.name.lower()}"

    @property
    def topics(self) -> list[str]:
        """Return the names of the Kafka destinations."""
        return [f"{self.name}-{number}" for number in range(self.plan.topics)]

    @property
    def at_rest(self) -> bool:
        return bool(self.jobs) and all(job["status"] in TERMINAL and job["torn_down"] for job in self.jobs)

    def run(self) -> None:
        """Run the errand to its end; record the client's errors as its ``trouble``."""
        try:
            self.prepare()
            self.create()
            if self.plan.fate is Fate.CANCELLED:
                time.sleep(self.plan.after)
                self.cancel()
            if self.plan.fate is Fate.PAUSED:
                time.sleep(self.plan.after)
                self._act("pause")
                time.sleep(self.plan.pause)
                self._act("resume")
            if self.plan.fate is Fate.REFUSED:
                self._retry()
            while not self.look() and not self.stop_watching():
                time.sleep(_LOOK_AGAIN)
        except Exception as error:  # noqa: BLE001 - one client's error is recorded, the others continue
            self.trouble = f"{type(error).__name__}: {error}"

    def prepare(self) -> None:
        """Create the places of the destinations that are not the service's own."""
        self.others = [self.ground.places.create(kind, self.name) for kind in self.plan.kinds]

    def create(self) -> None:
        destinations = [kafka(topic) | self._delivery() for topic in self.topics]
        if self.plan.hook:
            destinations.append(webhook(self.name, self.ground.hook(self.path)))
        destinations += self.others
        body = backfill(self.ground.table, destinations, column="slice", values=list(self.plan.slices))
        status, answer = self.ground.client.ask(
            "POST",
            "",
            body | {"job_name": self.name, "max_parallel_chunks": self.plan.parallel},
            headers={"Idempotency-Key": self.name},
            patience=_PATIENCE,
        )
        assert status == 201, answer
        self.heard = str(answer["job_id"])

    def cancel(self) -> None:
        self.cancel_status = self._act("cancel")

    def look(self) -> bool:
        """Return whether the job is at rest."""
        self.jobs = self.watch.look()
        return self.at_rest

    def is_(self, *statuses: str) -> bool:
        """Return whether the job has one of the statuses."""
        self.look()
        return any(job["status"] in statuses for job in self.jobs)

    def _act(self, act: str) -> int:
        status, _ = self.ground.client.ask("POST", f"/{self.heard}/{act}", patience=_PATIENCE)
        return status

    def _delivery(self) -> dict[str, str]:
        return {"delivery": "at_least_once"} if self.plan.at_least_once else {}

    def _retry(self) -> None:
        """Retry the job whenever it has failed, until it continues to its end."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until and not self.stop_watching():
            if self.is_("completed"):
                return
            if self.is_("failed"):
                # If the first call was executed but not answered, the second gets 409.
                self.ground.client.ask("POST", f"/{self.heard}/retry", patience=_PATIENCE)
            time.sleep(_LOOK_AGAIN)


class Receivers:
    """The receivers' answers: refusing ones answer 400 for a while, ``mood`` gives all other answers."""

    def __init__(self, refuse_for: float, mood: Callable[[], Reply] = Reply) -> None:
        """``refuse_for``: seconds after a refusing receiver's first request."""
        self._refuse_for = refuse_for
        self._mood = mood
        self._first: dict[str, float] = {}

    def __call__(self, path: str) -> Reply:
        if path.endswith(f"/{Fate.REFUSED.name.lower()}"):
            first = self._first.setdefault(path, time.monotonic())
            if time.monotonic() - first < self._refuse_for:
                return Reply(status=400)
        return self._mood()
