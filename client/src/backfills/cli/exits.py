"""What the program's exit code tells."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """``DIFFERENT``: what ``verify`` compared. ``FAULT``: of this program itself. ``INTERRUPTED``: by Ctrl-C,
    or by a reader that left.
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
    """For a job that was watched to its end."""
    return Exit.DONE if status == "completed" else Exit.JOB_ENDED_BADLY
