"""How long Kafka acknowledged nothing, over all attempts of one delivery."""

from collections.abc import Callable

STALL = 5.0  # after this many seconds without an acknowledgement, the broker is at fault, not the chunk


class Flow:
    """The time of one delivery, and the part of it that was lost.

    Time is lost while nothing is acknowledged, because the broker hangs or the instance is suspended, and
    with every attempt after which the chunk begins again. ``again``: how often it did.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.now = monotonic
        self.again = 0
        self._began = self.moved_at = monotonic()
        self._lost = 0.0

    def moved(self) -> None:
        """Record that messages were acknowledged, or that the client took more of them."""
        now = self.now()
        self._lost += self._stall(now)
        self.moved_at = now

    def begin_again(self) -> None:
        """Count all the time until now as lost, because everything is sent again."""
        self.again += 1
        self.moved_at = self.now()
        self._lost = self.moved_at - self._began

    @property
    def stalled(self) -> bool:
        """Return whether acknowledgements fail to come at this moment."""
        return self._stall(self.now()) > 0

    @property
    def steady(self) -> bool:
        """Return whether most of the delivery's time was of use.

        One acknowledgement after a long stall ends the stall, but does not give the time back.
        """
        now = self.now()
        return 2 * (self._lost + self._stall(now)) < now - self._began

    def _stall(self, now: float) -> float:
        idle = now - self.moved_at
        return idle if idle > STALL else 0.0
