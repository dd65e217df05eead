"""Chaos on the whole stack: jobs of every kind, random kills and pauses of parts, then a check of every row,
record and file.
"""

import random
import time
from collections.abc import Callable

from infra.local.supervisor import LocalStack
from tests.reliability import report
from tests.reliability.chaos import check
from tests.reliability.chaos.client import Prober
from tests.reliability.chaos.errand import Receivers
from tests.reliability.chaos.ground import Ground, options, prepare
from tests.reliability.chaos.havoc import Havoc
from tests.reliability.chaos.inbox import Inbox, Reply
from tests.reliability.chaos.traffic import Traffic
from tests.reliability.stack_folder import stack_folder

TITLE = "Chaos on the whole stack"
SECONDS = 615.0
LEAST_KILLS = 500
ACK_DEADLINE = 30  # seconds
LANES = 6
UNDER_FIRE = "seconds of chaos"
PAUSES = "pauses of Firestore, Pub/Sub, GCS, Snowflake, Kafka, NATS and SNS"
ANSWERS = "API answers"
_LONGEST = 3.0  # times the requested seconds, if there are too few kills by then
_REFUSED_FOR = 3.0


def run(
    seed: int,
    *,
    seconds: float = SECONDS,
    least_kills: int = LEAST_KILLS,
    say: Callable[[str], None] = print,
) -> report.Report:
    """Run chaos for at least this many seconds, and until enough working processes were killed."""
    began = time.monotonic()
    chance = random.Random(seed)  # noqa: S311 - repeatable
    inbox = Inbox(Receivers(_REFUSED_FOR, Moods(random.Random(chance.getrandbits(64)))))  # noqa: S311 - likewise
    with (
        stack_folder("chaos") as folder,
        inbox,
        LocalStack(options(folder.path, ack_deadline=ACK_DEADLINE)) as stack,
    ):
        ground = prepare(stack, inbox)
        traffic = Traffic(ground, chance, LANES)
        with Prober(ground.client):
            with traffic, Havoc(stack, chance) as havoc:
                fire = _keep_on(havoc, seconds, least_kills, say)
            healed = time.monotonic()
            traffic.wait_for_rest(ground.rest_limit)
            rested = time.monotonic() - healed
        found = check.check(ground, traffic.errands)
        figures = {
            UNDER_FIRE: round(fire),
            **_efforts(havoc),
            "jobs": len(traffic.errands),
            **found.shown(check.SHOWN),
            f"seconds until all jobs rested after the last fault (stuck after {ground.rest_limit:g})": round(
                rested, 1
            ),
            **answers(ground),
        }
        for fault in found.faults:
            say(fault)
        if found.faults:
            folder.keep_logs()
    return report.Report(
        suite="chaos",
        title=TITLE,
        seed=seed,
        seconds=time.monotonic() - began,
        figures=figures,
        zeroes=check.ZEROES,
        least={report.KILLS: least_kills, UNDER_FIRE: seconds},
        faults=tuple(found.faults),
    )


class Moods:
    """The receivers' answers: mostly fast, sometimes slow, 503, or none."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def __call__(self) -> Reply:
        draw = self._chance.random()
        if draw < 0.02:
            return Reply(cut=True)
        if draw < 0.05:
            return Reply(status=503)
        return Reply(pause=self._chance.choice((0.0, 0.0, 0.02, 0.1)))


def _keep_on(havoc: Havoc, seconds: float, least_kills: int, say: Callable[[str], None]) -> float:
    began = said = time.monotonic()
    while (passed := time.monotonic() - began) < seconds * _LONGEST:
        if passed >= seconds and havoc.kills.total() >= least_kills:
            break
        if time.monotonic() - said > 60:
            said = time.monotonic()
            say(f"chaos: {passed:.0f} s, {havoc.kills.total()} kills, {havoc.pauses.total()} pauses")
        time.sleep(0.2)
    return passed


def _efforts(havoc: Havoc) -> dict[str, float]:
    kills = {f"of these, {name}": count for name, count in sorted(havoc.kills.items())}
    return {report.KILLS: havoc.kills.total(), **kills, PAUSES: havoc.pauses.total()}


def answers(ground: Ground) -> dict[str, float]:
    """Count the API's answers."""
    statuses = ground.client.statuses
    return {ANSWERS: statuses.total(), "of these, 503": statuses[503]}
