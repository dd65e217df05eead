"""Programs that measure, each in a process of its own on a core of its own."""

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
    """A program that was to be measured did not do its work; the message says which and how."""


def cores() -> tuple[int, int]:
    """The core of what is measured, and the core of all that it speaks to; the same one if there is one."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[-1], usable[0]


MEASURED_CORE, OTHER_CORE = cores()
_EVERY_CORE = os.sched_getaffinity(0)


def stay_aside() -> None:
    """Leave the measured core to the measured: this process, and what it starts, goes to the other one."""
    os.sched_setaffinity(0, {OTHER_CORE})


@contextmanager
def everywhere() -> Iterator[None]:
    """Use every core, where a whole stack is what is measured: nothing is to be kept aside then."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, _EVERY_CORE)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def pinned(command: Sequence[str], core: int | None) -> list[str]:
    """The command on that core; on every one with None."""
    cores = sorted(_EVERY_CORE) if core is None else [core]
    return [sys.executable, "-I", "-S", str(_PINNED), ",".join(map(str, cores)), *command]


def run(
    command: Sequence[str], *, core: int | None = MEASURED_CORE, environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Run a program to its end; it prints what it measured as the last line of its output, in JSON."""
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
