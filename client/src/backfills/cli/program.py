"""The program as a whole: how it exits, and its help about that."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from backfills.cli.exits import Exit

EPILOG = """\b
Exit codes:
  0    success; watch: the job is completed; verify: all counts are equal
  1    watch: the job failed or was cancelled; verify: something differs
  2    wrong usage, or no profile
  3    the service refused the request
  4    the service is unavailable
  70   an internal error of this program
  130  interrupted by Ctrl-C, which leaves jobs unchanged, or the output was closed

\b
BACKFILLS_URL and BACKFILLS_API_KEY override stored profiles."""


class Program(click.Group):
    """Exits quietly if a reader like ``head`` closes the output: click would exit as if a job had failed."""

    def invoke(self, ctx: click.Context) -> Any:
        """Return the command's exit code, or None."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Otherwise Python reports the closed output again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Exit.INTERRUPTED
