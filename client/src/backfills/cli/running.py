"""Run a command line and turn errors into a message and an exit code, never a traceback."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import click

from backfills.cli.app import app
from backfills.cli.exits import Exit
from backfills.cli.text import printable
from backfills.errors import BackfillsError, Invalid, OutOfReach


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code. ``arguments``: by default those of the process."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app.main(given, prog_name="backfills", standalone_mode=False)
    except Exception as error:  # noqa: BLE001 - the only place that reports errors
        return _tell(error, as_json="--json" in given)
    return code if isinstance(code, int) else Exit.DONE


def _tell(error: Exception, *, as_json: bool) -> Exit:
    code, lines, about = _explained(error)
    if as_json:
        click.echo(json.dumps({"error": "\n".join(lines), "exit_code": int(code), **about}), err=True)
    else:
        click.echo("\n".join(printable(line) for line in lines), err=True)
    return code


def _explained(error: Exception) -> tuple[Exit, list[str], dict[str, Any]]:
    """Return the exit code, the lines for people, and additional fields for programs."""
    if isinstance(error, click.exceptions.Abort):
        return Exit.INTERRUPTED, ["Interrupted."], {}
    if isinstance(error, click.UsageError):
        hint = [f"See: {error.ctx.command_path} --help"] if error.ctx else []
        return Exit.USAGE, [error.format_message(), *hint], {}
    if isinstance(error, click.ClickException):
        return Exit.USAGE, [error.format_message()], {}
    if isinstance(error, BackfillsError):
        code = Exit.OUT_OF_REACH if isinstance(error, OutOfReach) else Exit.REFUSED
        return code, _said(error), {"detail": error.detail, "status": error.status}
    if isinstance(error, OSError):
        return Exit.USAGE, [str(error)], {}
    kind = type(error).__name__
    return Exit.FAULT, [f"An internal error of backfills, please report it: {kind}: {error}"], {}


def _said(error: BackfillsError) -> list[str]:
    if isinstance(error, Invalid):
        return ["The service refused the request:", *(f"  {fault}" for fault in error.faults)]
    lines = [str(error)]
    if error.retry_after:
        lines.append(f"Try again in {error.retry_after:.0f} s.")
    return lines
