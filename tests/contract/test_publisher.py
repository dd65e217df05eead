"""The publisher's guarantees, tested with the Pub/Sub emulator and the fake."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import repeat

import pytest
from google import pubsub_v1

from shared.adapters.pubsub import PubSubPublisher
from shared.domain.errors import Unavailable
from shared.domain.messages import DeliverChunk, Message, StageJob, TearDownJob, from_data
from shared.domain.traces import Trace, working_in
from shared.steps.ports import Publisher
from tests.fakes.examples import new_job
from tests.fakes.queue import FakeQueue

JOB = new_job(organization_id="acme", job_id="job")
STATIC = replace(JOB, static_egress_ip=True)
CHUNKS = [DeliverChunk("acme", "job", "attempt", 0, number) for number in range(1000)]


@dataclass(frozen=True, slots=True)
class Queue:
    """``received`` returns the next messages of the stage or the chunks topic, in no order."""

    publisher: Publisher
    received: Callable[[str, int], Sequence[Message]]


def in_memory() -> Queue:
    queue = FakeQueue()

    def received(topic: str, count: int) -> Sequence[Message]:
        chunks = [message for message in queue.waiting if isinstance(message, DeliverChunk)]
        mine: dict[str, Sequence[Message]] = {
            "stage": [message for message in queue.waiting if not isinstance(message, DeliverChunk)],
            "chunks": [message for message in chunks if message not in queue.static],
            "static": queue.static,
        }
        assert len(mine[topic]) >= count
        return mine[topic][:count]

    return Queue(queue, received)


@pytest.fixture
def project(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a new project of the emulator."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", request.getfixturevalue("pubsub_host"))
    return f"test-{uuid.uuid4().hex[:12]}"


def publisher_of(project: str, timeout: float = 30) -> PubSubPublisher:
    return PubSubPublisher(
        pubsub_v1.PublisherClient(),
        project,
        stage_topic="stage",
        chunks_topic="chunks",
        static_chunks_topic="static",
        timeout=timeout,
    )


def in_emulator(project: str) -> Queue:
    topics, subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
    for name in ("stage", "chunks", "static"):
        topics.create_topic(name=topics.topic_path(project, name))
        subscriber.create_subscription(
            name=subscriber.subscription_path(project, name), topic=topics.topic_path(project, name)
        )

    def received(topic: str, count: int) -> Sequence[Message]:
        found: dict[str, Message] = {}
        while len(found) < count:
            answer = subscriber.pull(
                subscription=subscriber.subscription_path(project, topic), max_messages=1000, timeout=30
            )
            for entry in answer.received_messages:
                found[entry.message.message_id] = from_data(entry.message.data)
        return list(found.values())

    return Queue(publisher_of(project), received)


@pytest.fixture(params=["memory", pytest.param("pubsub", marks=pytest.mark.emulator)])
def queue(request: pytest.FixtureRequest) -> Iterator[Queue]:
    if request.param == "memory":
        yield in_memory()
    else:
        yield in_emulator(request.getfixturevalue("project"))


def test_messages_of_the_job_go_to_staging_and_those_of_chunks_to_delivery(queue: Queue) -> None:
    stage, tear_down = StageJob("acme", "job", 1), TearDownJob("acme", "job")
    queue.publisher.publish(JOB, [stage, CHUNKS[0], tear_down])
    assert set(queue.received("stage", 2)) == {stage, tear_down}
    assert list(queue.received("chunks", 1)) == [CHUNKS[0]]


def test_chunks_of_a_job_that_asks_for_a_fixed_address_go_to_their_own_topic(queue: Queue) -> None:
    """It does not matter who publishes them: the job has the option."""
    stage = StageJob("acme", "job", 1)
    queue.publisher.publish(STATIC, [stage, CHUNKS[0], CHUNKS[1]])
    queue.publisher.publish(JOB, [CHUNKS[2]])
    assert set(queue.received("static", 2)) == {CHUNKS[0], CHUNKS[1]}
    assert list(queue.received("chunks", 1)) == [CHUNKS[2]]
    assert list(queue.received("stage", 1)) == [stage]


def test_every_message_of_a_large_job_is_published(queue: Queue) -> None:
    queue.publisher.publish(JOB, iter(CHUNKS))
    assert set(queue.received("chunks", len(CHUNKS))) == set(CHUNKS)


def test_publishing_nothing_is_done_at_once(queue: Queue) -> None:
    queue.publisher.publish(JOB, [])


@pytest.mark.emulator
def test_a_message_carries_the_trace_it_was_published_in(project: str) -> None:
    root, child = Trace("a" * 32, "b" * 16, sampled=True), Trace("a" * 32, "c" * 16, sampled=True)
    job, queue = replace(JOB, trace=str(root)), in_emulator(project)
    subscriber = pubsub_v1.SubscriberClient()
    with working_in(child):
        queue.publisher.publish(job, [StageJob("acme", "job", 0)])
    queue.publisher.publish(job, [StageJob("acme", "job", 1)])
    queue.publisher.publish(JOB, [StageJob("acme", "job", 2)])
    carried: dict[Message, str | None] = {}
    while len(carried) < 3:
        answer = subscriber.pull(
            subscription=subscriber.subscription_path(project, "stage"), max_messages=10, timeout=30
        )
        for entry in answer.received_messages:
            carried[from_data(entry.message.data)] = entry.message.attributes.get("traceparent")
    assert carried == {
        StageJob("acme", "job", 0): str(child),
        StageJob("acme", "job", 1): str(root),
        StageJob("acme", "job", 2): None,
    }


@pytest.mark.emulator
def test_a_topic_that_does_not_answer_in_time_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, free_tcp_port: int
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{free_tcp_port}")
    with pytest.raises(Unavailable):
        publisher_of("nowhere", timeout=1).publish(JOB, repeat(StageJob("acme", "job", 0), 3))
