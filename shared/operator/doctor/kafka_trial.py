"""One message through Kafka: create a topic, send a transaction with a marker, read it, remove the topic."""

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from shared.destinations.kafka.settings import producing
from shared.destinations.patience import within
from shared.operator.doctor.checks import NotAsked
from shared.operator.doctor.once import once, was_asked
from shared.operator.doctor.world import World

SECONDS: Final = 10.0
TRANSACTION_SECONDS: Final = 480
VALUE: Final = b'{"doctor": true}'
MARK: Final = 1


class Refused(Exception):  # noqa: N818 - named for what happened
    """The broker refused a step; ``check`` is the name of the check that reports it."""

    def __init__(self, check: str, why: str) -> None:
        super().__init__(why)
        self.check = check


class KafkaTrial:
    """Steps as properties: each runs once, after the step that it needs."""

    def __init__(self, world: World) -> None:
        self._world = world
        # No organization can have this name: its topics are named by its destinations.
        self.name = f"beam.backfills-doctor.{secrets.token_hex(6)}"

    @property
    def _client(self) -> dict[str, Any]:
        # Its log lines would mix with the doctor's, and the checks report the errors anyway.
        return {**self._world.kafka, "log_level": 0, "allow.auto.create.topics": False}

    @once
    def admin(self) -> AdminClient:
        return AdminClient(self._client)

    @once
    def created(self) -> str:
        """The created topic, ready for writing."""
        replication = self._world.settings.kafka_topic_replication
        with _step("topic-create"):
            new = NewTopic(self.name, 1, replication)
            self.admin.create_topics([new], request_timeout=SECONDS)[self.name].result(SECONDS)
        return self.name

    @once
    def _producer(self) -> Producer:
        properties = {
            **producing(self._client),
            "transactional.id": self.name,
            "transaction.timeout.ms": TRANSACTION_SECONDS * 1000,
            "message.timeout.ms": int(SECONDS) * 1000,
        }
        return Producer(properties)

    @once
    def opened(self) -> None:
        """Open the transaction with its transactional id."""
        with _step("transactions"):
            self._producer.init_transactions(SECONDS)

    @once
    def written(self) -> None:
        """Write a message in an open transaction."""
        _ = self.opened
        errors: list[Any] = []
        with _step("topic-write"):
            self._producer.begin_transaction()
            self._producer.produce(
                self.created, VALUE, on_delivery=lambda error, _: errors.append(error) if error else None
            )
            left = self._producer.flush(SECONDS)
        if errors:
            raise Refused("kafka.topic-write", errors[0].str())
        if left:
            raise NotAsked("Kafka did not accept a message in time")

    @once
    def marked(self) -> None:
        """Write the message's marker in the same transaction."""
        _ = self.written
        marker = TopicPartition(self.created, 0, MARK)
        with closing(Consumer({"group.id": self.name})) as group, _step("groups"):
            metadata = group.consumer_group_metadata()
            within(SECONDS, lambda: self._producer.send_offsets_to_transaction([marker], metadata, SECONDS))

    @once
    def committed(self) -> None:
        _ = self.marked
        with _step("groups"):
            self._producer.commit_transaction(SECONDS)

    @once
    def marker(self) -> int:
        """Return the marker as another client reads it."""
        _ = self.committed
        with closing(self._reader()) as reader, _step("groups"):
            (found,) = reader.committed([TopicPartition(self.created, 0)], SECONDS)
        return int(found.offset)

    @once
    def read(self) -> list[bytes]:
        """Return what a read_committed consumer gets."""
        _ = self.committed
        with closing(self._reader()) as reader, _step("topic-read"):
            reader.assign([TopicPartition(self.created, 0, 0)])
            message = reader.poll(SECONDS)
            if message is None:
                return []
            if error := message.error():
                raise Refused("kafka.topic-read", error.str())
            return [message.value() or b""]

    def _reader(self) -> Consumer:
        return Consumer(
            {
                **self._client,
                "group.id": self.name,
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
            }
        )

    @once
    def removed(self) -> None:
        """Remove the topic."""
        name = self.created
        if was_asked(self, "opened") and not was_asked(self, "committed"):
            with suppress(KafkaException):
                self._producer.abort_transaction(SECONDS)
        with _step("topic-delete"):
            self.admin.delete_topics([name], request_timeout=SECONDS)[name].result(SECONDS)

    def close(self) -> None:
        """Remove everything that the service's permissions can remove."""
        if was_asked(self, "created") and not was_asked(self, "removed"):
            self.admin.delete_topics([self.name], request_timeout=SECONDS)


@contextmanager
def _step(name: str) -> Iterator[None]:
    """Run the step of the check ``kafka.{name}``."""
    try:
        yield
    except TimeoutError as error:
        raise NotAsked("Kafka did not answer in time") from error
    except KafkaException as error:
        code = error.args[0]
        if code.name().startswith("_"):
            # A local error of librdkafka: the broker has not answered.
            raise NotAsked(f"Kafka: {code.str()}") from error
        if name == "groups" and code.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            # Writing a marker requires permission to read its topic.
            name = "topic-read"
        raise Refused(f"kafka.{name}", code.str()) from error
