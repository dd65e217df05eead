"""Several requests in flight at once, counted as acknowledged in the order of their rows."""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from shared.destinations.webhook.connections import Answer
from shared.domain.pieces import Piece
from shared.steps.release import releasing
from shared.steps.sending import EncodedBatch


@dataclass(frozen=True, slots=True)
class Parcel:
    """The rows of one request: all rows of the batch numbered ``number``, or a piece of it."""

    number: int
    rows: EncodedBatch
    whole: bool = True

    @property
    def piece(self) -> Piece:
        return Piece(self.rows.first_row, self.rows.rows)

    def halves(self) -> "tuple[Parcel, Parcel]":
        first, second = self.piece.halves()
        return (
            Parcel(self.number, self.rows.part(0, first.rows), whole=False),
            Parcel(self.number, self.rows.part(first.rows, second.rows), whole=False),
        )


Post = Callable[[Parcel], Answer | None]
"""Sends a parcel. Returns None if the receiver accepts it, or its refusal of the size; raises other
errors.
"""


class Flight:
    """Posts parcels in its own threads. A parcel counts when it and all earlier ones are acknowledged.

    One row number therefore always describes the progress, in whatever order the receiver answers. Leaving
    the context waits for the requests in flight and ignores their results.
    """

    def __init__(
        self,
        most: int,
        most_bytes: int,
        post: Post,
        acknowledged: Callable[[Parcel], None],
        refused: Callable[[Parcel, Answer], Iterable[Parcel]],
    ) -> None:
        """``most`` parcels may be in flight, and a number of bytes, exceeded by at most one parcel.

        The waiting thread calls ``acknowledged`` and ``refused`` for one parcel after the other. ``refused``
        returns the parcels to send instead.
        """
        self._most = most
        self._most_bytes = most_bytes
        self._post = post
        self._acknowledged = acknowledged
        self._refused = refused
        self._flying: deque[tuple[Parcel, Future[Answer | None]]] = deque()
        self._pool = ThreadPoolExecutor(most, "webhook")
        self.begun = False
        self.given_up = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.given_up = True
        self._pool.shutdown(cancel_futures=True)
        self._flying.clear()

    def make_room(self) -> None:
        """Wait until another parcel may be sent. Raise the error of an earlier parcel, if any."""
        while len(self._flying) >= self._most or self._bytes() >= self._most_bytes:
            self._land_first()

    def send(self, parcel: Parcel) -> None:
        self.begun = True
        self._flying.append(self._launched(parcel))

    def land(self) -> None:
        """Wait until all parcels are acknowledged. Raise the error of the first that is not."""
        while self._flying:
            self._land_first()

    def _bytes(self) -> int:
        return sum(parcel.rows.size for parcel, _ in self._flying)

    def _launched(self, parcel: Parcel) -> tuple[Parcel, Future[Answer | None]]:
        return parcel, self._pool.submit(releasing, self._post, parcel)

    def _land_first(self) -> None:
        parcel, future = self._flying.popleft()
        refusal = future.result()
        if refusal is None:
            self._acknowledged(parcel)
            return
        instead = [self._launched(smaller) for smaller in self._refused(parcel, refusal)]
        self._flying.extendleft(reversed(instead))
