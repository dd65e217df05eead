"""Kafka with at-least-once delivery: no transaction, so a crash may repeat rows. Headers identify each
row.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from shared.destinations.kafka.errors import speaking_of
from shared.destinations.kafka.flow import Flow
from shared.destinations.kafka.names import topic_of
from shared.destinations.kafka.presence import Admit, require_topic
from shared.destinations.kafka.producers import Producers
from shared.destinations.kafka.refusals import Refusals, Row
from shared.destinations.kafka.room import Room, Rooms
from shared.destinations.kafka.sending import Sending, name_skipped
from shared.destinations.kafka.settings import KafkaLimits
from shared.domain.oversized import NONE_SKIPPED, Skipped
from shared.steps.sending import ChunkDelivery, MessageBatch, Messages, Pulse


class AtLeastOnce:
    """``client``: the properties of a producer."""

    def __init__(
        self,
        client: Mapping[str, Any],
        rooms: Rooms,
        *,
        limits: KafkaLimits,
        monotonic: Callable[[], float],
        admit: Admit,
    ) -> None:
        self._client = client
        self._producers = Producers(
            {
                **client,
                "message.timeout.ms": int(limits.message * 1000),
                "delivery.report.only.error": True,
            },
            monotonic=monotonic,
        )
        self._admit = admit
        self._rooms = rooms
        self._limits = limits
        self._monotonic = monotonic

    def send(self, delivery: ChunkDelivery, rows: Messages, pulse: Pulse) -> None:
        """Send the chunk's rows. Send only the rows of refused batches again, in smaller batches."""
        topic, refusals, skipped = topic_of(delivery), Refusals(), NONE_SKIPPED
        flow = Flow(self._monotonic)
        room = self._rooms.of(topic, pulse)
        batches = rows.batches(self._limits.batch_rows)
        again: Sequence[Row] = ()
        while True:
            skipped += self._send_what_fits(
                delivery, again, batches, pulse, room=room, refusals=refusals, flow=flow
            )
            skipped += self._left_out(refusals, delivery, topic, pulse)
            again = refusals.take_batched()
            if not again:
                break
            room = self._rooms.after_refusal(topic, room, pulse)
        name_skipped(skipped, delivery, pulse)

    def _send_what_fits(
        self,
        delivery: ChunkDelivery,
        again: Sequence[Row],
        batches: Iterator[MessageBatch],
        pulse: Pulse,
        *,
        room: Room,
        refusals: Refusals,
        flow: Flow,
    ) -> Skipped:
        """Send until a batch is refused. Return the rows that were never tried."""
        topic = topic_of(delivery)
        with self._producers.one(batch_size=room.batch) as producer, speaking_of(topic):
            sending = Sending(
                producer,
                delivery,
                topic,
                pulse,
                room=room,
                most=int(self._client["message.max.bytes"]),
                refusals=refusals,
                reserve=0.0,
                flow=flow,
                labelled=True,
            )
            require_topic(
                producer, topic, pulse, limits=self._limits, monotonic=self._monotonic, admit=self._admit
            )
            sending.send_rows(again)
            while not refusals.any_batched and (batch := next(batches, None)) is not None:
                sending.send(batch)
                refusals.check()
            sending.finish()
            refusals.check()
        return sending.skipped

    def _left_out(self, refusals: Refusals, delivery: ChunkDelivery, topic: str, pulse: Pulse) -> Skipped:
        skipped = NONE_SKIPPED
        if alone := refusals.take_rows():
            limit = self._rooms.now(topic, pulse).limit(topic)
            for number, key, size in alone:
                skipped += delivery.too_large(number, key, size, limit)
        return skipped
