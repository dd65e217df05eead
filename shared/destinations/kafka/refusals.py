"""What a topic found too large of a chunk, kept over all tries of one delivery."""

import sys

from confluent_kafka import KafkaError, KafkaException, Message

from shared.destinations.kafka.errors import is_too_large

Row = tuple[int, bytes, bytes | None]
"""A row's number within its chunk, its JSON and its key."""


class Refusals:
    """A producer's callbacks: hears of messages that failed.

    A row that only may be too large is tried, in a batch of its own, since it may fit once it is compressed.
    ``rows``: those that are not tried any more. ``no_more_tries`` is for a chunk with many of them, each of
    which would break a transaction.
    """

    def __init__(self) -> None:
        self.rows: set[int] = set()
        self._alone: list[tuple[int, bytes | None, int]] = []
        self._batched: list[Row] = []
        self._untried = sys.maxsize
        self._error: KafkaError | None = None

    def __call__(self, error: KafkaError, _message: object) -> None:
        """For messages of which it matters only that none fails."""
        self._error = self._error or error

    def of_batched(self, number: int, error: KafkaError | None, message: Message) -> None:
        """For a message that is in a batch with others."""
        # The client library does not tell a failed message's headers, in which its number stands.
        if error is not None and is_too_large(error):
            self._batched.append((number, message.value() or b"", _key_of(message)))
        elif error is not None:
            self._error = self._error or error

    def of_row(
        self, number: int, key: bytes | None, size: int, error: KafkaError | None, _message: object
    ) -> None:
        """For a message that is in a batch of its own."""
        if error is not None and is_too_large(error):
            self._alone.append((number, key, size))
        elif error is not None:
            self._error = self._error or error

    def check(self) -> None:
        """KafkaException if any message is known to have failed for another reason."""
        if self._error is not None:
            raise KafkaException(self._error)

    @property
    def any_batched(self) -> bool:
        return bool(self._batched)

    def take_batched(self) -> list[Row]:
        """The rows of refused batches since it was last asked."""
        taken, self._batched = self._batched, []
        return taken

    def take_rows(self) -> list[tuple[int, bytes | None, int]]:
        """The rows that were refused alone since it was last asked, by number, key and size."""
        taken, self._alone = self._alone, []
        return taken

    def no_more_tries(self, above: int) -> None:
        """Leave out any row whose message is larger than what is surely taken, even if it might fit."""
        self._untried = above

    def forbid(self, number: int, size: int) -> bool:
        """Whether the row, which may be too large, is not to be tried."""
        return number in self.rows or size > self._untried


def _key_of(message: Message) -> bytes | None:
    key = message.key()
    return key.encode() if isinstance(key, str) else key
