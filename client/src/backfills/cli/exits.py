"""The program's exit codes."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """``DIFFERENT``: ``verify`` found differences. ``FAULT``: an internal error. ``INTERRUPTED``: by Ctrl-C,
    or the reader of the output closed it.
    """

    DONE = 0
    JOB_ENDED_BADLY = 1
    DIFFERENT = 1
    USAGE = 2
    REFUSED = 3
    OUT_OF_REACH = 4
    FAULT = 70
    INTERRUPTED = 130


def of_status(status: str) -> Exit:
    """Return the code for a job that was watched to its end."""
    return Exit.DONE if status == "completed" else Exit.JOB_ENDED_BADLY
