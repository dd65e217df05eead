"""The control path of a large job: publish 10,000 messages, record 10,000 chunks."""

from bench import brokers, control_work, process
from bench.figures import Figure, figure, ratio
from bench.rounds import paired
from infra.local import environments

KEYS = ("publish_10k_vs_bare", "record_10k_vs_bare")

_COUNT = 10_000


def run(rounds: int) -> dict[str, Figure]:
    works = (
        control_work.publish,
        control_work.publish_bare,
        control_work.record,
        control_work.record_bare,
    )
    with brokers.stack("firestore", "pubsub") as stack:
        emulators = environments.emulators(stack.layout)
        found = paired(
            {
                work.__name__: lambda work=work: process.work(work, environment=emulators, count=_COUNT)  # type: ignore[misc]
                for work in works
            },
            rounds,
        )
    return {
        "publish_10k_vs_bare": ratio(found["publish"], found["publish_bare"], "seconds"),
        "record_10k_vs_bare": ratio(found["record"], found["record_bare"], "seconds"),
        "publish_10k_seconds": figure(each["seconds"] for each in found["publish"]),
        "record_10k_seconds": figure(each["seconds"] for each in found["record"]),
    }
