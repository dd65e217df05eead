"""A producer and an admin client that fail on demand, as real ones do only by chance."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

from confluent_kafka import KafkaError, KafkaException

Headers = list[tuple[str, bytes]]


def kafka_error(code: int, *, retriable: bool = False, requires_abort: bool = False) -> KafkaException:
    return KafkaException(KafkaError(code, "made up", retriable=retriable, txn_requires_abort=requires_abort))


@dataclass
class FakeProducer:
    """Accepts ``room`` messages and acknowledges none, except ``acknowledged`` ones with each poll.

    ``errors``: by method, the exceptions of its next calls; None is a successful call.
    """

    room: int = 10
    acknowledged: int = 0
    errors: dict[str, list[Exception | None]] = field(default_factory=dict)
    metadata_errors: list[KafkaError] = field(default_factory=list)
    called: list[str] = field(default_factory=list)
    headers: list[Headers | None] = field(default_factory=list)
    waiting: int = 0
    on_poll: Callable[[], object] = lambda: None
    on_marker: Callable[[], object] = lambda: None

    def __len__(self) -> int:
        return self.waiting

    def produce(
        self,
        _topic: str,
        _value: bytes,
        _key: bytes | None,
        _partition: int = -1,
        _callback: object = None,
        _on_delivery: object = None,
        _timestamp: int = 0,
        headers: Headers | None = None,
    ) -> None:
        self._call("produce")
        if self.waiting >= self.room:
            raise BufferError
        self.headers.append(headers)
        self.waiting += 1

    def poll(self, *_: object) -> int:
        self._call("poll")
        self.on_poll()
        self.waiting = max(0, self.waiting - self.acknowledged)
        return 0

    def flush(self, *_: object) -> int:
        self.poll()
        return self.waiting

    def purge(self) -> None:
        self._call("purge")
        self.waiting = 0

    def list_topics(self, topic: str, *, timeout: float) -> SimpleNamespace:
        """Return the topic's metadata, with the next error of its ``metadata_errors``, if any."""
        self._call("list_topics")
        error = self.metadata_errors.pop(0) if self.metadata_errors else None
        return SimpleNamespace(topics={topic: SimpleNamespace(error=error)}, asked_for=timeout)

    def init_transactions(self, *_: object) -> None:
        self._call("init_transactions")

    def send_offsets_to_transaction(self, *_: object) -> None:
        self._call("send_offsets_to_transaction")
        self.on_marker()

    def commit_transaction(self, *_: object) -> None:
        self._call("commit_transaction")

    def abort_transaction(self, *_: object) -> None:
        self._call("abort_transaction")

    def _call(self, method: str) -> None:
        self.called.append(method)
        errors = self.errors.get(method, [])
        if errors and (error := errors.pop(0)) is not None:
            raise error


@dataclass
class FakeConsumer:
    """Answers each lookup of a marker with the next of ``markers``, and of its topic with that error."""

    markers: list["FoundMarker"]
    topic_error: KafkaError | None = None
    on_poll: Callable[[], object] = lambda: None
    closed: bool = False

    def committed(self, *_: object) -> list["FoundMarker"]:
        return [self.markers.pop(0)]

    def list_topics(self, topic: str, _timeout: float) -> SimpleNamespace:
        return SimpleNamespace(topics={topic: SimpleNamespace(error=self.topic_error)})

    def poll(self, *_: object) -> None:
        self.on_poll()

    def close(self) -> None:
        self.closed = True


@dataclass(frozen=True)
class FoundMarker:
    """A marker in the broker's form."""

    offset: int = -1001
    error: KafkaError | None = None
