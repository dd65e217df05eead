"""A producer and a broker that fail where a test wants them to, which real ones do only by chance."""

from collections.abc import Callable
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException


def kafka_error(code: int, *, retriable: bool = False, requires_abort: bool = False) -> KafkaException:
    return KafkaException(KafkaError(code, "made up", retriable=retriable, txn_requires_abort=requires_abort))


@dataclass
class FakeProducer:
    """Takes ``room`` messages and acknowledges none, but for ``acknowledged`` with each poll.

    ``errors``: by method, what its next calls raise; None is a call that succeeds.
    """

    room: int = 10
    acknowledged: int = 0
    errors: dict[str, list[Exception | None]] = field(default_factory=dict)
    called: list[str] = field(default_factory=list)
    waiting: int = 0
    on_poll: Callable[[], object] = lambda: None

    def __len__(self) -> int:
        return self.waiting

    def produce(self, *_: object) -> None:
        self._call("produce")
        if self.waiting >= self.room:
            raise BufferError
        self.waiting += 1

    def poll(self, *_: object) -> int:
        self._call("poll")
        self.on_poll()
        self.waiting = max(0, self.waiting - self.acknowledged)
        return 0

    def flush(self, *_: object) -> int:
        self.poll()
        return self.waiting

    def init_transactions(self, *_: object) -> None:
        self._call("init_transactions")

    def send_offsets_to_transaction(self, *_: object) -> None:
        self._call("send_offsets_to_transaction")

    def commit_transaction(self, *_: object) -> None:
        self._call("commit_transaction")

    def abort_transaction(self, *_: object) -> None:
        self._call("abort_transaction")

    def _call(self, method: str) -> None:
        self.called.append(method)
        errors = self.errors.get(method, [])
        if errors and (error := errors.pop(0)) is not None:
            raise error
