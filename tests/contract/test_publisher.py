"""What publishing promises, held against the Pub/Sub emulator and the fake alike."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

import pytest
from google import pubsub_v1

from shared.adapters.pubsub import PubSubPublisher
from shared.errors import Unavailable
from shared.messages import DeliverChunk, Message, StageJob, TearDownJob, from_data
from shared.steps.ports import Publisher
from tests.fakes.queue import FakeQueue

CHUNKS = [DeliverChunk("acme", "job", "attempt", 0, number) for number in range(1000)]


@dataclass(frozen=True, slots=True)
class Queue:
    """``received`` answers the next so many messages of the stage or the chunks topic, in no order."""

    publisher: Publisher
    received: Callable[[str, int], Sequence[Message]]


def in_memory() -> Queue:
    queue = FakeQueue()

    def received(topic: str, count: int) -> Sequence[Message]:
        mine = [
            message for message in queue.waiting if isinstance(message, DeliverChunk) == (topic == "chunks")
        ]
        assert len(mine) >= count
        return mine[:count]

    return Queue(queue, received)


@pytest.fixture
def project(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A project of its own in the emulator."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", request.getfixturevalue("pubsub_host"))
    return f"test-{uuid.uuid4().hex[:12]}"


def publisher_of(project: str, timeout: float = 30) -> PubSubPublisher:
    return PubSubPublisher(pubsub_v1.PublisherClient(), project, "stage", "chunks", timeout)


def in_emulator(project: str) -> Queue:
    topics, subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
    for name in ("stage", "chunks"):
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
    queue.publisher.publish([stage, CHUNKS[0], tear_down])
    assert set(queue.received("stage", 2)) == {stage, tear_down}
    assert list(queue.received("chunks", 1)) == [CHUNKS[0]]


def test_every_message_of_a_large_job_is_published(queue: Queue) -> None:
    queue.publisher.publish(iter(CHUNKS))
    assert set(queue.received("chunks", len(CHUNKS))) == set(CHUNKS)


def test_publishing_nothing_is_done_at_once(queue: Queue) -> None:
    queue.publisher.publish([])


@pytest.mark.emulator
def test_a_topic_that_does_not_answer_in_time_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, free_tcp_port: int
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{free_tcp_port}")
    with pytest.raises(Unavailable):
        publisher_of("nowhere", timeout=1).publish(repeat(StageJob("acme", "job", 0), 3))
