"""Sending without a transaction: labelled rows, and failures that no transaction reports."""

from typing import cast

import pytest
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from shared.destinations.kafka.flow import Flow
from shared.destinations.kafka.refusals import Refusals
from shared.destinations.kafka.room import Room
from shared.destinations.kafka.sending import Sending
from tests.fakes.kafka_producers import FakeProducer
from tests.fakes.sending import NumberedBatch, SteadyPulse, delivery_to, webhook_destination
from tests.fakes.webhook_sinks import FakeTime


def test_each_message_names_its_job_chunk_and_row_even_if_it_waited_for_room() -> None:
    producer, delivery = FakeProducer(room=2, acknowledged=1), delivery_to(webhook_destination("x"), 5)
    sending = Sending(
        cast("Producer", producer),
        delivery,
        "topic",
        SteadyPulse(),
        room=Room(1_000_000, 100_000),
        most=2_000_000,
        refusals=Refusals(),
        reserve=0.0,
        flow=Flow(FakeTime().monotonic),
        labelled=True,
    )
    sending.send(NumberedBatch(100, 5, width=1, keyed=True))
    job_id = delivery.job_id.encode()
    assert producer.headers == [
        [("beam-job-id", job_id), ("beam-chunk", b"3"), ("beam-row", b"%d" % row)] for row in range(100, 105)
    ]


def test_the_first_message_that_failed_is_told() -> None:
    refused = Refusals()
    refused.check()
    for code in (KafkaError.INVALID_RECORD, KafkaError._MSG_TIMED_OUT):
        refused(KafkaError(code), cast("Message", None))
    with pytest.raises(KafkaException) as raised:
        refused.check()
    assert raised.value.args[0].code() == KafkaError.INVALID_RECORD
