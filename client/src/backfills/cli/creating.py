"""Create a job, optionally after an estimate, and optionally watch it."""

from __future__ import annotations

import json
import sys
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from backfills.cli import show, watching
from backfills.cli.common import Choices, client, show_json
from backfills.cli.exits import Exit
from backfills.cli.text import printable, say, whisper
from backfills.errors import OutOfReach

if TYPE_CHECKING:
    from backfills.models import Created
    from backfills.sync_client import Client


@dataclass(frozen=True)
class How:
    """``interval``: seconds between two polls of a watch."""

    estimated: bool
    watched: bool
    dry_run: bool
    idempotency_key: str | None
    interval: float


def create(choices: Choices, body: dict[str, Any], how: How) -> int:
    """Return the exit code. A dry run sends nothing except a requested estimate."""
    if how.estimated:
        with client(choices) as service:
            _estimate(service, body, choices)
    if how.dry_run:
        click.echo(json.dumps(body, indent=None if choices.as_json else 2, ensure_ascii=False))
        return Exit.DONE
    if how.estimated and sys.stdin.isatty() and sys.stdout.isatty() and not choices.as_json:
        click.confirm("Create it?", abort=True, err=True)
    with client(choices) as service:
        created = _created(service, body, how, as_json=choices.as_json)
        if choices.as_json:
            show_json(created)
        else:
            click.echo(created.job_id)
    if not how.watched:
        return Exit.DONE
    with client(choices, watching=True) as service:
        return watching.watch(service, created.job_id, how.interval, as_json=choices.as_json)


def _estimate(service: Client, body: dict[str, Any], choices: Choices) -> None:
    found = service.estimate(body)
    if choices.as_json:
        show_json(found)
    elif sys.stdout.isatty():
        say(show.estimate(found))
    else:
        # Standard output gets only the job's id.
        whisper(show.estimate(found))


def _created(service: Client, body: dict[str, Any], how: How, *, as_json: bool) -> Created:
    key = how.idempotency_key or str(uuid.uuid4())
    try:
        return service.create(body, idempotency_key=key)
    except (KeyboardInterrupt, OutOfReach):
        if not as_json:
            whisper(
                "It is unknown whether the job exists. Repeat the command within 24 hours with"
                f" --idempotency-key {printable(key)}, and only one job will exist."
            )
        raise
