"""Measured programs, each in its own process on its own core."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_PINNED = Path(__file__).with_name("pinned.py")
_SECONDS = 600.0


class BenchFailure(Exception):  # noqa: N818 - named for what happened
    """A measured program failed; the message says which one and how."""


def cores() -> tuple[int, int]:
    """Return the core of the measured program and the core of everything else; the same one if there is only
    one.
    """
    usable = sorted(os.sched_getaffinity(0))
    return usable[-1], usable[0]


MEASURED_CORE, OTHER_CORE = cores()
_EVERY_CORE = os.sched_getaffinity(0)


def stay_aside() -> None:
    """Move this process and its children to the other core, so that the measured core is free."""
    os.sched_setaffinity(0, {OTHER_CORE})


@contextmanager
def everywhere() -> Iterator[None]:
    """Use every core, to measure a whole stack: there is nothing to keep separate then."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, _EVERY_CORE)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def pinned(command: Sequence[str], core: int | None) -> list[str]:
    """Return the command on that core, or on every core with None."""
    cores = sorted(_EVERY_CORE) if core is None else [core]
    return [sys.executable, "-I", "-S", str(_PINNED), ",".join(map(str, cores)), *command]


def run(
    command: Sequence[str], *, core: int | None = MEASURED_CORE, environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Run a program to its end; the last line of its output is its result as JSON."""
    done = subprocess.run(
        pinned(command, core),
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        timeout=_SECONDS,
    )
    if done.returncode != 0:
        raise BenchFailure(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def work(
    function: Callable[..., Mapping[str, Any]],
    *,
    core: int | None = MEASURED_CORE,
    environment: Mapping[str, str] | None = None,
    **arguments: Any,
) -> dict[str, Any]:
    """Run a function of a module of `bench` in a new interpreter."""
    name = f"{function.__module__}:{function.__name__}"
    return run(
        [sys.executable, "-m", "bench.work", name, json.dumps(arguments)], core=core, environment=environment
    )
