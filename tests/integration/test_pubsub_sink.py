"""Chunks as messages of a topic, with the Pub/Sub emulator."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from google.api_core import exceptions
from google.auth.exceptions import RefreshError
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.types import PublishRequest

from shared.destinations.pubsub.sink import MOST_BYTES, MOST_MESSAGES
from shared.domain.errors import BackfillError, DestinationRefused, Unavailable
from shared.domain.oversized import RowTooLarge
from tests.fakes.pubsub_sinks import LIMITS, Topic, pubsub_sink
from tests.fakes.sending import NumberedRows, SteadyPulse
from tests.fakes.sized import SizedRows

pytestmark = pytest.mark.emulator


@pytest.fixture
def topic(pubsub_host: str, monkeypatch: pytest.MonkeyPatch) -> Topic:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub_host)
    return Topic()


def test_a_row_is_a_message_that_names_it(topic: Topic) -> None:
    delivery = topic.delivery(25)
    assert pubsub_sink().deliver(delivery, NumberedRows(25), SteadyPulse())
    messages = sorted(topic.received(), key=lambda message: int(message.attributes["beam-row"]))
    assert [json.loads(message.data)["row"] for message in messages] == list(range(25))
    assert dict(messages[7].attributes) == {
        "beam-job-id": delivery.job_id,
        "beam-chunk": "3",
        "beam-row": "7",
    }
    assert {message.ordering_key for message in messages} == {""}


def test_rows_of_one_ordering_key_arrive_in_their_order(topic: Topic) -> None:
    delivery = topic.delivery(95, ordering_key_column="id")
    rows = NumberedRows(95, key_of=lambda number: b"odd" if number % 2 else b"even")
    assert pubsub_sink().deliver(delivery, rows, SteadyPulse())
    found = [(message.ordering_key, json.loads(message.data)["row"]) for message in topic.received()]
    assert [row for key, row in found if key == "even"] == list(range(0, 95, 2))
    assert [row for key, row in found if key == "odd"] == list(range(1, 95, 2))


def test_a_request_has_one_ordering_key(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[set[str]] = []
    publish = PublisherClient.publish

    def noted(self: PublisherClient, **arguments: object) -> object:
        request = arguments["request"]
        assert isinstance(request, PublishRequest)
        messages = request.messages
        keys.append({message.ordering_key for message in messages})
        return publish(self, **arguments)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(PublisherClient, "publish", noted)
    rows = NumberedRows(20, key_of=lambda number: b"odd" if number % 2 else b"even")
    assert pubsub_sink().deliver(topic.delivery(20, ordering_key_column="id"), rows, SteadyPulse())
    assert keys == [{"even"}, {"odd"}, {"even"}, {"odd"}]


def test_a_message_that_is_too_large_fails_the_job_by_its_row(topic: Topic) -> None:
    rows = SizedRows([100, MOST_BYTES, 100])
    with pytest.raises(RowTooLarge, match=r"Row 1 of chunk 3 \(key key-1\) has .* more than Pub/Sub takes"):
        pubsub_sink().deliver(topic.delivery(3), rows, SteadyPulse())


def test_such_a_row_can_be_left_out(topic: Topic) -> None:
    pulse = SteadyPulse()
    delivery = replace(topic.delivery(3), skip_oversized=True)
    assert pubsub_sink().deliver(delivery, SizedRows([100, MOST_BYTES, 100]), pulse)
    assert sorted(topic.rows()) == [0, 2]
    assert (pulse.skipped.rows, pulse.skipped.named[0].row) == (1, 1)


def test_a_request_holds_what_the_service_takes(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[tuple[int, int]] = []
    publish = PublisherClient.publish

    def counted(self: PublisherClient, **arguments: object) -> object:
        request = arguments["request"]
        assert isinstance(request, PublishRequest)
        messages = request.messages
        requests.append((len(messages), sum(len(message.data) for message in messages)))
        return publish(self, **arguments)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(PublisherClient, "publish", counted)
    delivery = replace(topic.delivery(2_503), batch_rows=2_500)
    rows = SizedRows([*[100] * 2_500, *[4_000_000] * 3])
    assert pubsub_sink().deliver(delivery, rows, SteadyPulse())
    assert sum(count for count, _ in requests) == 2_503
    assert max(count for count, _ in requests) == MOST_MESSAGES
    assert max(size for _, size in requests) <= MOST_BYTES
    assert len(requests) == 5


def test_a_topic_that_is_not_there_fails_the_job_by_its_name(topic: Topic) -> None:
    delivery = topic.delivery(5)
    PublisherClient().delete_topic(topic=topic.name)
    with pytest.raises(DestinationRefused, match=f"There is no topic {topic.name}"):
        pubsub_sink().deliver(delivery, NumberedRows(5), SteadyPulse())


def test_the_services_own_topics_are_refused(topic: Topic) -> None:
    with pytest.raises(DestinationRefused, match="the service's own"):
        pubsub_sink(own_topics=(topic.name,)).deliver(topic.delivery(5), NumberedRows(5), SteadyPulse())
    assert topic.received() == []


def test_an_ordering_key_that_is_too_long_fails_the_job_by_its_row(topic: Topic) -> None:
    rows = NumberedRows(2, key_of=lambda number: b"k" * (1_024 + number))
    with pytest.raises(DestinationRefused, match="Row 1 of chunk 3 has an ordering key of 1,025 bytes"):
        pubsub_sink().deliver(topic.delivery(2, ordering_key_column="id"), rows, SteadyPulse())


def answers(status: int) -> Callable[..., None]:
    def answer(*_: object, **__: object) -> None:
        raise exceptions.from_http_status(status, "secret words")  # type: ignore[no-untyped-call]  # untyped there

    return answer


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (403, DestinationRefused, "may not publish to topic .* roles/pubsub.publisher"),
        (400, DestinationRefused, "refuses these messages"),
        (429, Unavailable, "topic .* is not available"),
        (503, Unavailable, "topic .* is not available"),
        (504, Unavailable, "topic .* is not available"),
    ],
)
def test_errors_are_sorted(
    topic: Topic, monkeypatch: pytest.MonkeyPatch, status: int, kind: type[BackfillError], words: str
) -> None:
    monkeypatch.setattr(PublisherClient, "publish", answers(status))
    with pytest.raises(kind, match=words) as told:
        pubsub_sink().deliver(topic.delivery(5), NumberedRows(5), SteadyPulse())
    assert "secret words" not in told.value.message
    assert "secret words" in told.value.detail


def test_an_identity_that_is_not_to_be_had_may_be_later(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RefreshError("no metadata server")  # type: ignore[no-untyped-call]  # untyped there

    monkeypatch.setattr(PublisherClient, "publish", refuse)
    with pytest.raises(Unavailable, match="the service's identity"):
        pubsub_sink().deliver(topic.delivery(5), NumberedRows(5), SteadyPulse())


def test_a_redelivery_goes_on_behind_what_is_acknowledged(topic: Topic) -> None:
    pulse = SteadyPulse()
    delivery = replace(topic.delivery(95), first_batch=5)
    limits = replace(LIMITS, checkpoint=0.0)
    assert pubsub_sink(limits).deliver(delivery, NumberedRows(95), pulse)
    assert sorted(topic.rows()) == list(range(50, 95))
    assert pulse.checkpoints == [6, 7, 8, 9, 10]
