"""The Kafka sink: a chunk's rows into the organization's topic, exactly once for `read_committed` readers.

With exactly_once, messages carry no headers. Headers with job, chunk and row would take 1.5 times the
processor time (5.9 µs per row instead of 3.7, lz4, idempotent), too much for the required throughput. With
at_least_once, messages carry these headers, because nothing else identifies a repeated row.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from shared.destinations.kafka.at_least_once import AtLeastOnce
from shared.destinations.kafka.errors import BatchRefused, speaking_of
from shared.destinations.kafka.flow import Flow
from shared.destinations.kafka.forms import Form, as_json
from shared.destinations.kafka.markers import Markers
from shared.destinations.kafka.names import topic_of, transaction_of
from shared.destinations.kafka.presence import Admit, admit_all, require_topic
from shared.destinations.kafka.refusals import Refusals
from shared.destinations.kafka.room import Room, Rooms
from shared.destinations.kafka.sending import Sending, name_skipped
from shared.destinations.kafka.settings import KafkaLimits, producing
from shared.destinations.kafka.transaction import Transaction
from shared.destinations.read_ahead import ReadAhead
from shared.steps.sending import ChunkDelivery, Messages, Pulse, Rows

_LONGEST_TRANSACTION = 900.0  # seconds; a broker's default for transaction.max.timeout.ms
_SHORTEST_TRANSACTION = 10.0
_TRIES_OF_LARGE_ROWS = 4  # how many transactions possibly oversized rows may break
_TRIES = 12


class KafkaSink:
    """Implements Sink with one transaction per (chunk, destination), or without one for at_least_once."""

    def __init__(
        self,
        client: Mapping[str, Any],
        *,
        monotonic: Callable[[], float],
        limits: KafkaLimits,
        admit: Admit = admit_all,
        form: Form = as_json,
        open_admin: Callable[[dict[str, Any]], Any] = AdminClient,
    ) -> None:
        """``client``: librdkafka's properties, with ``bootstrap.servers``; they may tune but not weaken.

        ``admit``: checks the cluster's brokers before a chunk is sent and before it is committed. ``form``:
        returns a chunk's rows in the form that its destination wants.
        """
        self._client = producing(client)
        self._most = int(self._client["message.max.bytes"])
        self._rooms = Rooms(
            client,
            batch=int(self._client["batch.size"]),
            timeout=limits.step,
            monotonic=monotonic,
            open_admin=open_admin,
        )
        self._admit = admit
        self._form = form
        self._monotonic = monotonic
        self._limits = limits
        self._at_least_once = AtLeastOnce(
            self._client, self._rooms, limits=limits, monotonic=monotonic, admit=admit
        )
        self.markers = Markers(client, timeout=limits.step, monotonic=monotonic)

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        """Commit the chunk's rows to the topic, unless they were committed before. With at_least_once, send
        them again.

        Return False if an earlier destination left too little of the handler's time to begin.
        """
        if pulse.seconds_left() < self._limits.least:
            return False
        messages = self._form(delivery, rows)
        if delivery.destination.traits.marked:
            self._commit(delivery, messages, pulse)
        else:
            self._at_least_once.send(delivery, messages, pulse)
        return True

    def _commit(self, delivery: ChunkDelivery, rows: Messages, pulse: Pulse) -> None:
        """Commit the chunk. After a refusal, start again with all rows: a broken transaction is lost."""
        topic, refusals, flow = topic_of(delivery), Refusals(), Flow(self._monotonic)
        room = self._rooms.of(topic, pulse)
        for tries in count(1):
            try:
                self._try_to_commit(delivery, rows, pulse, room=room, refusals=refusals, flow=flow)
            except BatchRefused:
                if tries == _TRIES:
                    raise
                flow.begin_again()
                room = self._room_after(refusals, delivery, topic, room, pulse)
                if tries >= _TRIES_OF_LARGE_ROWS and refusals.rows:
                    refusals.no_more_tries(room.surely)
            else:
                return

    def _room_after(
        self, refusals: Refusals, delivery: ChunkDelivery, topic: str, refused: Room, pulse: Pulse
    ) -> Room:
        """Return the topic's room after a refusal; RowTooLarge for a row that must not be skipped."""
        alone = refusals.take_rows()
        if not alone:
            return self._rooms.after_refusal(topic, refused, pulse)
        room = self._rooms.now(topic, pulse)
        for number, key, size in alone:
            # Otherwise the limit has been raised in the meantime.
            if room.most is None or size > room.most:
                delivery.too_large(number, key, size, room.limit(topic))
                refusals.rows.add(number)
        return room

    def _try_to_commit(
        self,
        delivery: ChunkDelivery,
        rows: Messages,
        pulse: Pulse,
        *,
        room: Room,
        refusals: Refusals,
        flow: Flow,
    ) -> None:
        topic = topic_of(delivery)
        reserve = min(self._limits.reserve, pulse.seconds_left() / 4)
        ahead = ReadAhead(rows.batches(self._limits.batch_rows), pulse)
        # Opening waits for the brokers. Meanwhile this thread encodes rows.
        with ThreadPoolExecutor(1, "kafka-opening") as beside:
            opening = beside.submit(self._opened, delivery, topic, pulse, room)
            ahead.fill(self._limits.bytes_ahead, enough=opening.done)
        opened = opening.result()
        if opened is None:
            return
        producer, transaction = opened
        with _aborting(transaction), speaking_of(topic), transaction.telling_why():
            sending = Sending(
                producer,
                delivery,
                topic,
                pulse,
                room=room,
                most=self._most,
                refusals=refusals,
                reserve=reserve,
                flow=flow,
                on_wait=transaction.require_sound,
                on_stall=lambda: self._require_topic(producer, topic, pulse),
            )
            for batch in ahead:
                sending.send(batch)
            sending.finish()
            # Kafka would accept a commit to a deleted topic, and the rows would count as delivered.
            self._require_topic(producer, topic, pulse)
            # After the commit, no later delivery of the chunk can find out which rows were skipped.
            name_skipped(sending.skipped, delivery, pulse)
        transaction.commit()

    def _opened(
        self, delivery: ChunkDelivery, topic: str, pulse: Pulse, room: Room
    ) -> tuple[Producer, Transaction] | None:
        """Begin the chunk's transaction, including its marker. Return None if it was committed before."""
        with self.markers.of(delivery) as marker:
            producer = Producer(self._properties(delivery, pulse.seconds_left(), room))
            transaction = Transaction(producer, delivery, timeout=self._limits.step)
            self._require_topic(producer, topic, pulse)
            # This second check makes the client connect to a broker by its id. Without it, every third
            # fencing waits half a second until librdkafka looks for the coordinator again.
            self._require_topic(producer, topic, pulse)
            transaction.fence(pulse)
            # Look up the marker only after the fencing. Before it, an earlier sender could still set it.
            if marker.committed():
                return None
        transaction.begin()
        # The marker goes before the rows, so that only the commit remains after them.
        with _aborting(transaction), speaking_of(topic):
            transaction.mark()
        return producer, transaction

    def _properties(self, delivery: ChunkDelivery, seconds_left: float, room: Room) -> dict[str, Any]:
        transaction = min(_LONGEST_TRANSACTION, max(_SHORTEST_TRANSACTION, seconds_left))
        return {
            **self._client,
            "batch.size": room.batch,
            "transactional.id": transaction_of(delivery),
            # An open transaction blocks all readers of the topic, so it must not outlive the handler.
            "transaction.timeout.ms": int(transaction * 1000),
            "message.timeout.ms": int(min(self._limits.message, transaction) * 1000),
        }

    def _require_topic(self, producer: Producer, topic: str, pulse: Pulse) -> None:
        require_topic(
            producer, topic, pulse, limits=self._limits, monotonic=self._monotonic, admit=self._admit
        )


@contextmanager
def _aborting(transaction: Transaction) -> Iterator[None]:
    """Abort the transaction after any error."""
    try:
        yield
    except BaseException as error:
        if leftover := transaction.abort():
            error.add_note(f"the transaction was left open: {leftover}")
        raise
