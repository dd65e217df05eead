"""``doctor``: run all checks, several areas in parallel, and print the results."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

from shared.bootstrap.clients import now
from shared.config import Settings
from shared.operator.doctor.areas import AREAS, BACKFILL
from shared.operator.doctor.backfill import Backfill, Wanted
from shared.operator.doctor.bucket import StagingBucket
from shared.operator.doctor.checks import Check, Found, State, Verdict, carry_out, ok
from shared.operator.doctor.clock import Clock
from shared.operator.doctor.egress import Egress
from shared.operator.doctor.firestore import Firestore
from shared.operator.doctor.functions import Functions
from shared.operator.doctor.google import Google
from shared.operator.doctor.installation import read_installation, read_object
from shared.operator.doctor.kafka import Kafka
from shared.operator.doctor.kafka_trial import KafkaTrial
from shared.operator.doctor.pubsub import PubSub
from shared.operator.doctor.registry import SchemaRegistry
from shared.operator.doctor.secrecy import Secrecy
from shared.operator.doctor.secret_values import SecretValues
from shared.operator.doctor.snowflake import Snowflake
from shared.operator.doctor.trial import Trial
from shared.operator.doctor.world import World

GOOD, WRONG, OUT_OF_REACH = 0, 1, 4
# The checks of one group run in sequence, over the same connection.
GROUPS: Final = (("firestore",), ("pubsub",), ("bucket", "secrets"), ("snowflake", "clock"), ("kafka",))
_WIDTH: Final = 24
_NAME: Final = 28


class Doctor:
    """One run. ``only``: the areas to check; empty: all. ``wanted``: a slice to backfill, if any."""

    def __init__(self, world: World, only: Sequence[str] = (), wanted: Wanted | None = None) -> None:
        self.world = world
        self._only = frozenset(only or (AREAS if wanted is None else (*AREAS, BACKFILL)))
        self._trial, self._kafka = Trial(world), KafkaTrial(world)
        self._backfill = Backfill(world, wanted)

    def checks(self) -> dict[str, Sequence[Check]]:
        """Return all checks by area."""
        areas: dict[str, Any] = {
            "clock": Clock(self.world, self._trial),
            "firestore": Firestore(self.world),
            "pubsub": PubSub(self.world),
            "bucket": StagingBucket(self.world),
            "secrets": SecretValues(self.world),
            "snowflake": Snowflake(self.world, self._trial),
            "kafka": Kafka(self.world, self._kafka),
            "registry": SchemaRegistry(self.world),
            "functions": Functions(self.world),
            "egress": Egress(self.world),
            BACKFILL: self._backfill,
        }
        return {name: area.checks() for name, area in areas.items() if name in self._only}

    def look(self, checks: Mapping[str, Sequence[Check]] | None = None) -> list[Found]:
        """Run the checks, by default all: one area's checks in sequence, the areas in parallel."""
        areas = self.checks() if checks is None else checks
        found, left = list[Found](), list[Found]()
        try:
            with ThreadPoolExecutor(len(AREAS) + 1) as pool:
                for part in pool.map(self._in_turn, _grouped(areas)):
                    found += part
        finally:
            left += self._in_turn(self._closing())
        named = {one.name: one for one in found}
        inside = [named[check.name] for each in areas.values() for check in each]
        return inside + [one for one in left if one.verdict.state is not State.OK]

    def _in_turn(self, checks: Sequence[Check]) -> list[Found]:
        return [carry_out(check, self.world.secrecy.clean) for check in checks]

    def _closing(self) -> Sequence[Check]:
        """Return what cleans up. It is reported only if it fails, and then with the other results."""
        closing = {
            "backfill": self._backfill.close,
            "kafka": self._kafka.close,
            "snowflake": self._trial.close,
        }
        return [
            Check(
                f"{name}.cleanup", "Is nothing left?", partial(_done, close), f"run the check of {name} again"
            )
            for name, close in closing.items()
        ]

    def lines(self, found: Sequence[Found]) -> list[str]:
        """Return the lines to print, free of secrets: one per check, and how to fix each fault."""
        lines = []
        for one in found:
            says = " ".join(self.world.secrecy.clean(one.verdict.says).split())
            lines.append(f"{one.verdict.state:<{_WIDTH}}{one.name:<{_NAME}}{says}")
            if one.verdict.state is State.WRONG:
                lines.append(f"{'':<{_WIDTH}}fix: {one.hint}")
        return [*lines, summary(found)]


def examine(
    settings: Settings,
    *,
    installation: Path | None,
    kafka_admin: Path | None,
    table: str,
    only: Sequence[str] = (),
    wanted: Wanted | None = None,
) -> tuple[int, list[str]]:
    """Return the exit status and the lines to print. Raises ConfigurationError for an unusable file."""
    secrecy = Secrecy()
    administrator = None if kafka_admin is None else read_object(kafka_admin)
    for secrets in (
        settings.kafka_client,
        settings.snowflake_connect,
        settings.schema_registry_credentials,
        administrator or {},
    ):
        secrecy.add_all(dict(secrets))
    world = World(
        settings=settings,
        interfaces=Google(settings.project),
        secrecy=secrecy,
        now=now,
        installed=None if installation is None else read_installation(installation),
        kafka_administrator=administrator,
        table=table,
    )
    doctor = Doctor(world, only, wanted)
    found = doctor.look()
    return status_of(found), doctor.lines(found)


def status_of(found: Sequence[Found]) -> int:
    """Return the exit status: a fault takes precedence over a check that could not run."""
    states = {one.verdict.state for one in found}
    if State.WRONG in states:
        return WRONG
    return OUT_OF_REACH if State.UNKNOWN in states else GOOD


def summary(found: Sequence[Found]) -> str:
    counts = {state: sum(one.verdict.state is state for one in found) for state in State}
    return f"{len(found)} checks: " + ", ".join(f"{count} {state}" for state, count in counts.items())


def _done(close: Callable[[], object]) -> Verdict:
    close()
    return ok("")


def _grouped(areas: Mapping[str, Sequence[Check]]) -> list[list[Check]]:
    together = [set(group) for group in GROUPS]
    alone = [{name} for name in areas if not any(name in group for group in together)]
    return [
        [check for name in areas if name in group for check in areas[name]] for group in (*together, *alone)
    ]
