"""The rows of a chunk that a topic refused as too large, over all attempts of one delivery."""

import sys

from confluent_kafka import KafkaError, KafkaException, Message

from shared.destinations.kafka.errors import is_too_large

Row = tuple[int, bytes, bytes | None]
"""A row's number within its chunk, its JSON and its key."""


class Refusals:
    """A producer's callbacks for failed messages.

    The sink tries a row that may be too large in a separate batch, because it may fit after compression.
    ``rows``: the rows that are not tried any more. ``no_more_tries`` is for a chunk with many such rows, each
    of which would break a transaction.
    """

    def __init__(self) -> None:
        self.rows: set[int] = set()
        self._alone: list[tuple[int, bytes | None, int]] = []
        self._batched: list[Row] = []
        self._untried = sys.maxsize
        self._error: KafkaError | None = None

    def __call__(self, error: KafkaError, _message: object) -> None:
        """Handle messages for which it only matters that none fails."""
        self._error = self._error or error

    def of_batched(self, number: int, error: KafkaError | None, message: Message) -> None:
        """Handle a message that shares its batch with others."""
        # The client library omits a failed message's headers, which hold its number.
        if error is not None and is_too_large(error):
            self._batched.append((number, message.value() or b"", _key_of(message)))
        elif error is not None:
            self._error = self._error or error

    def of_row(
        self, number: int, key: bytes | None, size: int, error: KafkaError | None, _message: object
    ) -> None:
        """Handle a message in a separate batch."""
        if error is not None and is_too_large(error):
            self._alone.append((number, key, size))
        elif error is not None:
            self._error = self._error or error

    def check(self) -> None:
        """Raise KafkaException if a message has failed for another reason."""
        if self._error is not None:
            raise KafkaException(self._error)

    @property
    def any_batched(self) -> bool:
        return bool(self._batched)

    def take_batched(self) -> list[Row]:
        """Return the rows of batches that were refused since the last call."""
        taken, self._batched = self._batched, []
        return taken

    def take_rows(self) -> list[tuple[int, bytes | None, int]]:
        """Return number, key and size of each row that was refused separately since the last call."""
        taken, self._alone = self._alone, []
        return taken

    def no_more_tries(self, above: int) -> None:
        """From now on skip every row with a message above this size, even if it might fit."""
        self._untried = above

    def forbid(self, number: int, size: int) -> bool:
        """Return whether the row, which may be too large, must not be tried."""
        return number in self.rows or size > self._untried


def _key_of(message: Message) -> bytes | None:
    key = message.key()
    return key.encode() if isinstance(key, str) else key
