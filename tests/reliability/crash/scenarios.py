"""The scenarios of a job in which crashes happen, and the points that each scenario passes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tests.e2e.support.receiver import Reply
from tests.reliability.crash.control import Fate

NOTHING: Mapping[str, Fate] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """``end``: the job's expected final status. ``replies``: the receiver's first answers; later ones are
    200. ``kinds``: those of the destinations. ``setup``: points that are armed additionally, so that the
    others are reached. Times in seconds.
    """

    name: str
    points: tuple[str, ...]
    kinds: tuple[str, ...] = ("kafka", "webhook")
    end: str = "completed"
    replies: tuple[Reply, ...] = ()
    takes: int | None = None  # bytes of a request; the receiver refuses larger ones
    setup: Mapping[str, Fate] = field(default_factory=lambda: NOTHING)
    empty: bool = False
    filter_column: str | None = None
    unload_seconds: float = 0.0
    unload_failure: tuple[int, str, str] | None = None  # of the first one: number, SQLSTATE, text
    cancel_when: str | None = None  # unloading, delivering
    dead_letter: bool = False
    keyed: bool = True  # the client sends an idempotency key
    pause_when: str | None = None  # unloading, delivering, disturbed: once ``setup`` is hit
    parallel: int | None = None  # max_parallel_chunks
    outage: str | None = None  # a point that fails from the time when all of ``setup`` is hit until the retry
    retry_when: str | None = None  # failed, torn down; the receiver then works again


def _around(function: str, *steps: str) -> tuple[str, ...]:
    """Return the points before and after steps; a step with its own moments names them: `publish:middle`."""
    points: list[str] = []
    for step in steps:
        name, _, moment = step.partition(":")
        moments = moment.split(",") if moment else ("before", "after")
        points += [f"{function}.{name}:{each}" for each in moments]
    return tuple(points)


_ALL = "before,inside,after"
_HALVES = "before,middle,after"
_NO_RECEIVER = Reply(status=503)
_FOR_EVER = 100_000
_COMMITTED = "deliver.kafka.commit:after"

SCENARIOS = (
    Scenario(
        name="plain",
        points=(
            *_around("api", "job.create", "message.stage", "job.confirm"),
            *_around("stage", "topic.ensure", "topic.record", f"topic.create:{_ALL}", "job.claim"),
            *_around("stage", f"unload.submit:{_ALL}", "job.record_query", "unload.manifest"),
            *_around("stage", f"chunks.record:{_HALVES}", "job.staged", "job.open_lanes"),
            *_around("stage", f"message.deliver:{_HALVES}"),
            *_around("deliver", "lease.take", f"kafka.fence:{_ALL}", "kafka.look_up", "kafka.begin"),
            *_around("deliver", "kafka.produce:middle,after", "kafka.mark", f"kafka.commit:{_ALL}"),
            *_around("deliver", f"webhook.post:{_ALL}", f"lease.done:{_ALL}", f"chunk.count_down:{_ALL}"),
            *_around("deliver", "job.complete", "message.tear_down"),
            *_around("stage", f"files.delete:{_HALVES}", "job.tear_down"),
        ),
    ),
    Scenario(
        name="one chunk at a time",
        parallel=1,
        points=(
            *_around("stage", "job.open_lanes", "message.deliver"),
            *_around("deliver", f"chunk.count_down:{_ALL}", "message.deliver", "job.complete"),
        ),
    ),
    Scenario(
        name="paused while delivering, then resumed",
        parallel=2,
        replies=((Reply(hang=0.3),) * 6 + (_NO_RECEIVER,) * _FOR_EVER),
        pause_when="delivering",
        points=(
            *_around("api", "job.pause", "message.tear_down", "job.resume", "message.stage"),
            *_around("stage", "job.reconcile_pause", "job.open_lanes", f"message.deliver:{_HALVES}"),
            *_around("deliver", "lease.release", "message.deliver"),
        ),
    ),
    Scenario(
        name="paused when Kafka has what nobody recorded, then resumed",
        setup={_COMMITTED: Fate.KILL},
        pause_when="disturbed",
        points=_around("stage", "lease.take", "lease.done", "job.reconcile_pause"),
    ),
    Scenario(
        name="paused while unloading, then resumed",
        unload_seconds=6.0,
        pause_when="unloading",
        points=(
            *_around("api", "job.pause", "job.resume", "message.stage"),
            *_around("stage", "job.staged", "job.reconcile_pause", "job.open_lanes"),
            *_around("sweep", "job.first_to_note", "message.stage", "message.tear_down"),
        ),
    ),
    Scenario(
        name="slow receiver",
        # Progress is recorded once a second; the first answer takes longer than that.
        replies=(Reply(hang=1.3),) * 30,
        points=(
            *_around("deliver", "lease.renew", "lease.checkpoint"),
            *_around("sweep", "job.first_to_note"),
        ),
    ),
    Scenario(
        name="receiver takes small requests only",
        takes=1_500,  # of a batch's 4,000
        points=_around("deliver", "lease.checkpoint", f"webhook.post:{_ALL}", "lease.done"),
    ),
    Scenario(
        name="receiver out of service",
        # Four attempts in a row fail for some batch, though four batches of each chunk are in flight at once.
        replies=(_NO_RECEIVER,) * 120,
        points=_around("deliver", "lease.release", "destination.error"),
    ),
    Scenario(
        name="receiver out of service, so that lanes leave chunks behind",
        parallel=1,
        replies=(_NO_RECEIVER,) * 100,
        points=_around("deliver", "message.deliver", "chunk.count_down"),
    ),
    Scenario(
        name="external Kafka",
        kinds=("external_kafka",),
        points=_around("deliver", f"kafka.fence:{_ALL}", "kafka.look_up", f"kafka.commit:{_ALL}"),
    ),
    Scenario(
        name="bucket",
        kinds=("gcs",),
        points=_around("deliver", "gcs.look", f"gcs.write:{_ALL}", "lease.done"),
    ),
    Scenario(
        name="Pub/Sub",
        kinds=("pubsub",),
        points=_around("deliver", f"pubsub.publish:{_ALL}", "lease.done"),
    ),
    Scenario(
        name="SNS",
        kinds=("sns",),
        points=_around("deliver", f"sns.publish:{_ALL}", "lease.done"),
    ),
    Scenario(
        name="NATS",
        kinds=("nats",),
        points=_around("deliver", f"nats.publish:{_ALL}", f"nats.await:{_ALL}", "lease.done"),
    ),
    Scenario(
        name="receiver refuses",
        end="failed",
        replies=(Reply(status=410),) * _FOR_EVER,
        points=(
            *_around("deliver", "job.fail", "message.tear_down", "destination.error"),
            *_around("stage", "job.tear_down"),
        ),
    ),
    Scenario(
        name="no rows",
        empty=True,
        points=(
            *_around("stage", "chunks.record", "job.staged", "files.delete", "job.tear_down"),
            *_around("sweep", "job.first_to_note", "message.tear_down"),
        ),
    ),
    Scenario(
        name="cancelled while unloading",
        end="cancelled",
        unload_seconds=60.0,
        cancel_when="unloading",
        points=(
            *_around("api", "job.cancel", "message.tear_down"),
            *_around("stage", "unload.abort", f"files.delete:{_HALVES}", "topic.remove", "topic.record"),
            *_around("stage", f"topic.delete:{_ALL}", "job.tear_down"),
        ),
    ),
    Scenario(
        name="cancelled while delivering",
        end="cancelled",
        # It accepts only a few batches: the job cannot complete before it is cancelled.
        replies=((Reply(hang=0.3),) * 6 + (_NO_RECEIVER,) * _FOR_EVER),
        cancel_when="delivering",
        points=(
            *_around("api", "job.cancel", "message.tear_down"),
            *_around("deliver", "lease.release"),
            *_around("stage", f"files.delete:{_HALVES}", f"topic.delete:{_ALL}", "job.tear_down"),
        ),
    ),
    Scenario(
        name="long unload",
        unload_seconds=6.0,
        points=_around("sweep", "job.first_to_note", "message.stage"),
    ),
    Scenario(
        name="unload fails once",
        unload_failure=(603, "XX000", "Processing aborted"),
        points=_around("stage", "job.claim", "unload.submit", "job.record_query", "message.stage"),
    ),
    Scenario(
        name="unload refused",
        end="failed",
        filter_column="no_such_column",
        points=_around("stage", "job.fail", "message.tear_down", "job.tear_down"),
    ),
    Scenario(
        name="unload fails for good, then retried",
        unload_failure=(904, "42000", "SQL compilation error"),
        retry_when="failed",
        points=(
            *_around("api", "job.retry", "message.stage"),
            *_around("stage", "job.fail", "job.tear_down", "job.claim", "unload.submit", "job.staged"),
        ),
    ),
    Scenario(
        name="receiver refuses, then retried",
        replies=(Reply(status=410),) * _FOR_EVER,
        retry_when="failed",
        points=(
            *_around("api", "job.retry", "message.stage"),
            *_around("stage", "job.tear_down", f"message.deliver:{_HALVES}"),
            *_around("deliver", "job.fail", "lease.take", f"kafka.commit:{_ALL}", "job.complete"),
        ),
    ),
    Scenario(
        name="Kafka has what nobody recorded, then retried",
        setup={_COMMITTED: Fate.KILL},
        replies=(Reply(status=410),) * _FOR_EVER,
        # No redelivery can ask Kafka what it has, so that none records the chunk before the receiver's answer
        # fails the job.
        outage="deliver.kafka.look_up:before",
        retry_when="torn down",
        points=_around("stage", "lease.take", "lease.done", "job.tear_down"),
    ),
    Scenario(
        name="query lost",
        setup={"stage.unload.submit:after": Fate.KILL},
        points=_around("stage", "unload.find", "job.record_query"),
    ),
    Scenario(
        name="queue refuses",
        setup={"api.message.stage:before": Fate.FAIL},
        points=_around("api", "job.remove_unconfirmed"),
    ),
    Scenario(
        name="client never answered, asks again",
        setup={"api.job.create:after": Fate.KILL},
        points=_around("api", "message.stage", "job.confirm"),
    ),
    Scenario(
        name="client never answered, begins anew",
        setup={"api.job.create:after": Fate.KILL},
        keyed=False,
        points=_around("sweep", "job.remove_unconfirmed"),
    ),
    Scenario(
        name="stage message lost",
        setup={"api.message.stage:before": Fate.LOSE},
        points=_around("sweep", "job.first_to_note", "message.stage"),
    ),
    Scenario(
        name="chunk messages lost",
        setup={"stage.message.deliver:before": Fate.LOSE},
        points=_around("sweep", "job.first_to_note", "message.stage"),
    ),
    Scenario(
        name="count at zero and not finished",
        setup={"deliver.job.complete:before": Fate.KILL},
        points=_around("sweep", "job.complete", "message.tear_down"),
    ),
    Scenario(
        name="dead letter",
        end="failed",
        replies=(_NO_RECEIVER,) * _FOR_EVER,
        dead_letter=True,
        points=_around("dead_letter", "job.fail", "message.tear_down"),
    ),
)
