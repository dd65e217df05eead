"""Batches on their way to a topic: several at once, counted in the order of their numbers."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self

from google.pubsub_v1.types import PublishRequest

from shared.destinations.pubsub.requests import Batch
from shared.steps.sending import Pulse

_LOOK = 0.5  # seconds between two looks at the pulse while an answer is waited for

Publish = Callable[[PublishRequest, threading.Event], None]
"""Publish one request, or give up once the event is set; raises what goes wrong."""


class Flight:
    """``most_batches`` and ``most_bytes`` are on their way at once; a single larger batch flies alone.

    Where rows have an ordering key, a batch waits for the one before it: keys run across batches.

    Leaving it waits for no answer: what is under way by then may arrive, and is sent again later.
    """

    def __init__(
        self,
        publish: Publish,
        pulse: Pulse,
        landed: Callable[[Batch], None],
        *,
        threads: int,
        most_batches: int,
        most_bytes: int,
    ) -> None:
        self._publish = publish
        self._pulse = pulse
        self._landed = landed
        self._most_batches = most_batches
        self._most_bytes = most_bytes
        self._flying: deque[tuple[Batch, Sequence[Future[None]]]] = deque()
        self._bytes = 0
        self._given_up = threading.Event()
        self._pool = ThreadPoolExecutor(threads, "pubsub")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._given_up.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def send(self, batch: Batch) -> None:
        """Send the batch once there is room; raises what went wrong with an earlier one."""
        self._pulse.check()
        while self._flying and (
            len(self._flying) >= self._most_batches or self._bytes + batch.size > self._most_bytes
        ):
            self._land_first()
        self._flying.append((batch, [self._pool.submit(self._run, lane) for lane in batch.lanes]))
        self._bytes += batch.size

    def land(self) -> None:
        """Wait until all are acknowledged; raises what went wrong with the first that is not."""
        while self._flying:
            self._land_first()

    def _run(self, lane: Sequence[PublishRequest]) -> None:
        for request in lane:
            if self._given_up.is_set():
                return
            self._publish(request, self._given_up)

    def _land_first(self) -> None:
        batch, futures = self._flying[0]
        waited_for = set(futures)
        while waited_for:
            done, waited_for = wait(waited_for, _LOOK, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
            if waited_for:
                self._pulse.check()
        self._flying.popleft()
        self._bytes -= batch.size
        self._landed(batch)
