"""Faults at each call in turn: an outage, a lost answer, a killed process."""

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar, cast

from shared.domain.errors import Unavailable
from tests.fakes.deliveries import FakeLease

Part = TypeVar("Part")


class Killed(BaseException):
    """The process is killed: none of its handlers runs."""


class Fault(Enum):
    """The fault at a call."""

    OUTAGE = "the call never arrives"
    LOST_ANSWER = "the call takes effect and its answer is lost"
    KILLED_BEFORE = "the process is killed just before the call"
    KILLED_AFTER = "the process is killed just after the call"


class Faults:
    """Counts the calls to the guarded parts; the call numbered ``at`` gets the fault.

    ``instead``, by the call's name as in ``calls``: a test's action at that call, once.
    """

    def __init__(self, at: int | None = None, fault: Fault = Fault.OUTAGE) -> None:
        self.calls: list[str] = []
        self.instead: dict[str, Callable[..., Any]] = {}
        self._at: dict[int, Fault] = {} if at is None else {at: fault}
        self._dead = False

    @property
    def happened(self) -> bool:
        return all(at < len(self.calls) for at in self._at)

    def strike(self, at: int, fault: Fault) -> None:
        """Give the call with that number the fault too."""
        self._at[at] = fault

    def restart(self) -> None:
        """Restart the process."""
        self._dead = False

    def guard(self, part: Part) -> Part:
        """Return the same part, with a possible fault at each call."""
        return cast("Part", _Guarded(part, self))

    def call(self, name: str, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        if self._dead:
            raise Killed
        method = self.instead.pop(name, method)
        self.calls.append(name)
        fault = self._at.get(len(self.calls) - 1)
        if fault is None:
            return method(*arguments, **named)
        if fault in {Fault.LOST_ANSWER, Fault.KILLED_AFTER}:
            method(*arguments, **named)
        if fault in {Fault.OUTAGE, Fault.LOST_ANSWER}:
            raise Unavailable(name)
        self._dead = True
        raise Killed


class _Guarded:
    """Stands in for a part; returned parts are guarded too."""

    def __init__(self, part: object, faults: Faults) -> None:
        self._part = part
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._part, name)
        if not callable(attribute):
            return attribute

        def guarded(*arguments: Any, **named: Any) -> Any:
            label = f"{type(self._part).__name__}.{name}"
            answer = self._faults.call(label, attribute, *arguments, **named)
            return self._faults.guard(answer) if isinstance(answer, FakeLease) else answer

        return guarded
