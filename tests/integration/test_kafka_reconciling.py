"""Reconciling with Apache Kafka: what it has of an ended job whose senders crashed."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from shared.bootstrap.stage import several_at_once
from shared.destinations.kafka.names import topic_of
from shared.domain.chunks import number_files
from shared.domain.jobs import Counts, Job
from shared.steps.chunk_delivery import delivery_of
from shared.steps.reconcile import Reconcile
from tests.contract.records import LEASE, Records, in_memory
from tests.fakes.examples import new_job, staged_files
from tests.fakes.kafka_sinks import kafka_sink, kafka_topics
from tests.fakes.sending import NumberedRows, SteadyPulse, kafka_destination

pytestmark = pytest.mark.emulator

CHUNKS = number_files(staged_files(3))


@dataclass(frozen=True)
class Ended:
    """A job of three chunks: the first was committed and its sender crashed, the second was only begun."""

    records: Records
    job: Job
    topic: str
    bootstrap: str

    def reconciled(self) -> Counts | None:
        """Reconcile the job; return what is left of it."""
        markers = kafka_sink(self.bootstrap).markers
        Reconcile(
            jobs=self.records.jobs,
            chunks=self.records.chunks,
            deliveries=self.records.deliveries,
            markers={"kafka": markers},
            each=several_at_once,
            time_limit=60,
            monotonic=time.monotonic,
        ).run(self.job)
        return self.records.jobs.counts(self.job)


@pytest.fixture
def ended(kafka_bootstrap: str) -> Iterator[Ended]:
    records, destination, topics = in_memory(), kafka_destination(), kafka_topics(kafka_bootstrap)
    job, _ = records.transporting(job=new_job(destinations=(destination,)))
    committed = delivery_of(job, CHUNKS[0], destination)
    topics.create(topic_of(committed))
    for chunk in CHUNKS[:2]:
        records.deliveries.take(job, chunk.number, destination.uid)
    assert kafka_sink(kafka_bootstrap).deliver(committed, NumberedRows(5), SteadyPulse())
    records.clock.sleep(LEASE)
    yield Ended(records, job, topic_of(committed), kafka_bootstrap)
    topics.delete(topic_of(committed))


def test_what_was_committed_is_recorded_and_counted(ended: Ended) -> None:
    assert ended.reconciled() == Counts(2, 10)
    assert ended.reconciled() == Counts(2, 10)


def test_of_a_topic_that_has_vanished_nothing_is_recorded(ended: Ended) -> None:
    kafka_topics(ended.bootstrap).delete(ended.topic)
    assert ended.reconciled() == Counts(3, 15)
