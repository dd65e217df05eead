"""The program as a whole: how it ends, and what its help says of that."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from backfills.cli.exits import Exit

EPILOG = """\b
Exit codes:
  0    done; watch: the job is completed; verify: all is equal
  1    watch: the job failed or was cancelled; verify: something differs
  2    wrong usage, or nothing to log in with
  3    the service refuses
  4    the service is out of reach
  70   a fault of this program
  130  interrupted by Ctrl-C, which leaves jobs alone, or nobody reads any more

\b
BACKFILLS_URL and BACKFILLS_API_KEY go before what login stored."""


class Program(click.Group):
    """Ends quietly when whoever reads has left, such as ``head``: click would exit as if a job had failed."""

    def invoke(self, ctx: click.Context) -> Any:
        """The command's exit code, or None."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Python would say so once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Exit.INTERRUPTED
