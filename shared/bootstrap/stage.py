"""Wire staging and teardown, which share the clients that the API lacks."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from shared.adapters.firestore_chunks import FirestoreChunks
from shared.adapters.firestore_jobs import FirestoreJobs
from shared.adapters.firestore_topics import FirestoreTopics
from shared.adapters.pubsub import Pushed
from shared.adapters.snowflake import SnowflakeUnloads
from shared.bootstrap.clients import deliveries, firestore_client, monotonic, new_id, now, publisher, sleep
from shared.bootstrap.destinations import Parts, surroundings
from shared.bootstrap.logs import report
from shared.bootstrap.staged_files import staged_files
from shared.config import Settings
from shared.destinations import KINDS
from shared.domain.chunks import Chunk
from shared.domain.messages import StageJob, TearDownJob
from shared.steps.attempts import AttemptLimits, Attempts
from shared.steps.finish import Finish
from shared.steps.handle import Handle
from shared.steps.reconcile import Reconcile
from shared.steps.stage import Stage
from shared.steps.tear_down import TearDown

# A part of the function's 570 seconds. The wait for leases comes before it, the removal of files after it.
_RECONCILING = 400.0
# Each lookup has its own producer and consumer, and mostly waits for the broker, for a third of a second.
_LOOKUPS_AT_ONCE = 8


def build(settings: Settings) -> Callable[[Pushed], None]:
    client = firestore_client(settings)
    jobs = FirestoreJobs(client, report)
    queue = publisher(settings, timeout=120)
    unloads = SnowflakeUnloads(
        settings.snowflake_connect,
        location_stage=settings.snowflake_stage,
        statement_timeout=settings.unload_limit,
    )
    around = surroundings(settings)
    (estate,) = (kind.estate for kind in KINDS.values() if kind.estate is not None)
    topics = FirestoreTopics(
        client, estate(around), now=now, monotonic=monotonic, new_holder=lambda: str(new_id())
    )
    chunks, records = FirestoreChunks(client, jobs), deliveries(settings, client)
    finish = Finish(jobs, queue, now)
    markers = {name: kind.markers for name, kind in KINDS.items() if kind.markers is not None}
    stage = Stage(
        jobs=jobs,
        chunks=chunks,
        topics=topics,
        unloads=unloads,
        attempts=Attempts(
            jobs=jobs,
            topics=topics,
            unloads=unloads,
            catalog=settings.table_catalog,
            snowflake_stage=settings.snowflake_stage,
            limits=AttemptLimits(
                wait=settings.unload_wait,
                claim=settings.claim_limit,
                most_attempts=settings.most_staging_attempts,
                file_bytes=settings.unload_file_bytes,
            ),
            now=now,
            new_id=new_id,
            sleep=sleep,
        ),
        publisher=queue,
        in_flight=settings.lanes_to_share,
        now=now,
        sleep=sleep,
        events=report,
    )
    tear_down = TearDown(
        jobs=jobs,
        deliveries=records,
        unloads=unloads,
        files=staged_files(settings),
        topics=topics,
        reconcile=Reconcile(
            jobs=jobs,
            chunks=chunks,
            deliveries=records,
            markers=Parts(markers, around),
            each=several_at_once,
            time_limit=_RECONCILING,
            monotonic=monotonic,
        ),
        markers_kept=timedelta(days=settings.kafka_marker_days),
        receipts_kept=timedelta(days=settings.receipt_days),
        retriable=timedelta(days=settings.staged_files_days),
        wait=settings.unload_wait,
        claim_limit=settings.claim_limit,
        now=now,
        sleep=sleep,
    )
    handle = Handle({StageJob: stage.run, TearDownJob: tear_down.run}, finish)
    return lambda pushed: handle.run(pushed.message)


def several_at_once(look_up: Callable[[Chunk], None], chunks: Sequence[Chunk]) -> None:
    with ThreadPoolExecutor(_LOOKUPS_AT_ONCE, "reconcile") as pool:
        # Raise the error of the first failed lookup, and begin no further ones.
        list(pool.map(look_up, chunks))
