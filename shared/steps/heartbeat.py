"""The heartbeat of a delivery renews the lease and watches the job while the sink sends rows.

It runs in a thread, because one request or flush of a sink may take longer than a lease. It stops at the
delivery's deadline. Otherwise a sink that hangs would hold its chunk for as long as it hangs.
"""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from shared.domain.errors import Busy, DeliveryStopped, RetryLater, Unavailable
from shared.domain.oversized import NONE_SKIPPED, Skipped
from shared.domain.pieces import NOT_SPLIT, Splits
from shared.steps.records import Lease


class Heartbeat:
    """A Pulse. ``still_wanted`` tells whether the job still delivers. Times are seconds of ``monotonic``."""

    def __init__(
        self,
        lease: Lease,
        still_wanted: Callable[[], bool],
        *,
        lease_length: float,
        status_pause: float,
        deadline: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._lease = lease
        self._still_wanted = still_wanted
        self._lease_length = lease_length
        self._status_pause = status_pause
        self._deadline = deadline
        self._monotonic = monotonic
        self._ended = threading.Event()
        self._reason: RetryLater | DeliveryStopped | None = None
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def check(self) -> None:
        if self._reason is not None:
            raise self._reason

    def checkpoint(
        self, next_batch: int, skipped: Skipped = NONE_SKIPPED, splits: Splits = NOT_SPLIT
    ) -> None:
        self._lease.checkpoint(next_batch, skipped, splits)

    def seconds_left(self) -> float:
        return self._deadline - self._monotonic()

    def _beat(self) -> None:
        renewed = self._monotonic()
        while self._reason is None and not self._ended.wait(self._status_pause):
            if self.seconds_left() <= 0:
                self._reason = RetryLater("the time for this delivery was over before all rows were sent")
                return
            try:
                if not self._still_wanted():
                    self._reason = DeliveryStopped(
                        "the job ended, or was paused, while its rows were being sent"
                    )
                    return
                if self._monotonic() - renewed >= self._lease_length / 3:
                    self._lease.renew()
                    renewed = self._monotonic()
            except Busy as lost:
                self._reason = lost
            except RetryLater:
                # The record is out of reach. Continue until the lease may have expired.
                if self._monotonic() - renewed >= self._lease_length:
                    self._reason = Unavailable("the job store", detail="the lease was not renewed in time")
            except Exception as error:  # noqa: BLE001 - after any error, nothing renews the lease any more
                self._reason = Unavailable("the job store", detail=f"{type(error).__name__}: {error}")
