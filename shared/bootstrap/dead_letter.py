"""Wire the handling of dead letters."""

from collections.abc import Callable

from shared.adapters.firestore_chunks import FirestoreChunks
from shared.adapters.firestore_jobs import FirestoreJobs
from shared.adapters.firestore_listings import FirestoreListings
from shared.adapters.pubsub import Pushed
from shared.bootstrap.clients import deliveries, firestore_client, now, publisher
from shared.bootstrap.logs import report
from shared.config import Settings
from shared.domain.events import MessageDeadLettered
from shared.steps.dead_letter import DeadLetter
from shared.steps.finish import Finish


def build(settings: Settings) -> Callable[[Pushed], None]:
    client = firestore_client(settings)
    jobs = FirestoreJobs(client, report)
    finish = Finish(jobs, publisher(settings, timeout=30), now)
    step = DeadLetter(
        jobs=jobs,
        chunks=FirestoreChunks(client, jobs),
        deliveries=deliveries(settings, client),
        listings=FirestoreListings(client, report),
        finish=finish,
    )

    def run(pushed: Pushed) -> None:
        report(MessageDeadLettered(kind=pushed.message.kind, tried=pushed.tried))
        step.run(pushed.message, pushed.tried)

    return run
