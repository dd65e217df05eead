"""A clock that advances only when something sleeps or a test moves it."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """All clocks of the service: ``now`` in UTC, ``monotonic`` seconds, and ``sleep``."""

    def __init__(self) -> None:
        self.time = datetime(2026, 5, 1, tzinfo=UTC)
        self._start = self.time

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return (self.time - self._start).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
