"""Adds a crash point before and after every durable step of a function's adapters, and inside some steps.

A point is named `function.part.step:moment`. The product does not know about it: its classes are patched in
the serving process.
"""

import functools
import inspect
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Container, Iterable
from types import ModuleType
from typing import Any

from shared.adapters.firestore_jobs import FirestoreJobs
from shared.adapters.pubsub import PubSubPublisher
from shared.domain.errors import Unavailable
from tests.reliability.crash.control import Control, Fate

_INSIDE = 0.01  # seconds within which a started step is killed

Steps = Iterable[tuple[type | ModuleType, str, str]]
"""A class or a module, its function, and the step's name."""


class Lost(Exception):  # noqa: N818 - named for what happened
    """The step reports success without effect."""


class Hooks:
    """The crash points of one function's process."""

    def __init__(self, function: str, control: Control) -> None:
        self._function = function
        self._control = control

    def install(self, steps: Steps, *, inside: Container[str] = ()) -> None:
        """Hook methods; a step in ``inside`` can also be killed while it runs."""
        for owner, method, step in steps:
            self._wrap(owner, method, step, inside=step in inside)

    def install_common(self) -> None:
        """Hook the parts of every function: the record of jobs, and the queue."""
        self._wrap(FirestoreJobs, "change_with", lambda arguments: f"job.{_transition(arguments[3])}")
        self.install([(FirestoreJobs, "remove_unconfirmed", "job.remove_unconfirmed")])
        publish = PubSubPublisher.publish

        def published(publisher: PubSubPublisher, job: Any, messages: Iterable[Any]) -> None:
            listed = list(messages)
            if not listed:
                return
            step = f"message.{listed[0].kind}"
            try:
                self.reach(f"{step}:before")
            except Lost:
                return
            if half := len(listed) // 2:
                publish(publisher, job, listed[:half])
                self.reach(f"{step}:middle")
            publish(publisher, job, listed[half:])
            self.reach(f"{step}:after")

        PubSubPublisher.publish = published  # type: ignore[method-assign,assignment]  # this is the hook

    def reach(self, point: str) -> None:
        """Apply the point's fate, if it has one."""
        fate = self._control.claim(f"{self._function}.{point}")
        if fate is Fate.KILL:
            _die()
        if fate is Fate.FAIL:
            raise Unavailable("the part", detail="a crash point says so")
        if fate is Fate.LOSE:
            raise Lost

    def _wrap(
        self, owner: type | ModuleType, method: str, name: str | Callable[[Any], str], *, inside: bool = False
    ) -> None:
        original = getattr(owner, method)

        def begin(arguments: Any) -> str:
            step = name if isinstance(name, str) else name(arguments)
            self.reach(f"{step}:before")
            if inside and self._control.claim(f"{self._function}.{step}:inside"):
                threading.Thread(target=_die_soon, daemon=True).start()
            return step

        @functools.wraps(original)
        def hooked(*arguments: Any, **named: Any) -> Any:
            step = begin(arguments)
            answer = original(*arguments, **named)
            self.reach(f"{step}:after")
            return answer

        @functools.wraps(original)
        async def hooked_coroutine(*arguments: Any, **named: Any) -> Any:
            step = begin(arguments)
            answer = await original(*arguments, **named)
            self.reach(f"{step}:after")
            return answer

        setattr(owner, method, hooked_coroutine if inspect.iscoroutinefunction(original) else hooked)


def _transition(transition: Any) -> str:
    """Return the name of a job's change: its function's, without bound arguments."""
    function = transition.func if isinstance(transition, functools.partial) else transition
    # A function defined within a step has the step's name.
    name, _, within = str(function.__qualname__).partition(".<locals>.")
    return name.rpartition(".")[2].lstrip("_") if within else str(function.__name__).lstrip("_")


def _die() -> None:
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _die_soon() -> None:
    time.sleep(random.random() * _INSIDE)  # noqa: S311 - no secret
    _die()
