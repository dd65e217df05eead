"""Parts that all commands share: options, the client, and JSON output."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from pydantic import BaseModel

    from backfills.cli.profiles import Access
    from backfills.sync_client import Client

F = TypeVar("F", bound=Callable[..., Any])

# A person waits: report a busy service after a few seconds.
TRIES, LONGEST_WAIT = 3, 10.0
# A watch survives restarts and short outages.
WATCH_TRIES, WATCH_LONGEST_WAIT = 12, 120.0


@dataclass(frozen=True)
class Choices:
    """``timeout``: seconds of one attempt."""

    profile: str | None
    as_json: bool
    timeout: float


def options(command: F) -> F:
    """Add the options of every command, which arrive as ``choices``."""

    def gather(*arguments: Any, profile: str | None, as_json: bool, timeout: float, **rest: Any) -> Any:
        return command(*arguments, choices=Choices(profile, as_json, timeout), **rest)

    gather.__name__, gather.__doc__ = command.__name__, command.__doc__
    added = [
        click.option("--profile", metavar="NAME", help="A profile from login; overrides the environment."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON for programs."),
        click.option(
            "--timeout",
            type=click.FloatRange(min=0, min_open=True),
            default=30.0,
            help="Seconds until an attempt is aborted (30).",
        ),
    ]
    found: Any = gather
    for each in reversed(added):
        found = each(found)
    return found  # type: ignore[no-any-return]


def client(choices: Choices, *, watching: bool = False) -> Client:
    """Return a client of the profile's service."""
    from backfills.cli import profiles

    return service_of(profiles.access(choices.profile), choices, watching=watching)


def service_of(access: Access, choices: Choices, *, watching: bool = False) -> Client:
    """Return a client. Raises UsageError for an invalid URL or key."""
    from backfills.sync_client import Client
    from backfills.tries import Retries

    tries, longest = (WATCH_TRIES, WATCH_LONGEST_WAIT) if watching else (TRIES, LONGEST_WAIT)
    try:
        return Client(
            access.url,
            access.api_key,
            timeout=choices.timeout,
            retries=Retries(tries=tries, longest_wait=longest),
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def job_id(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Validate a job's id, so that it cannot be a path."""
    if not value.strip(".") or not value.isprintable():
        raise click.BadParameter("give a job's id as create and list show it")
    return value


def json_of(answer: BaseModel) -> str:
    """Return the fields that the service sent, and no others."""
    return answer.model_dump_json(exclude_unset=True)


def show_json(answer: BaseModel) -> None:
    click.echo(json_of(answer))


def show_all_json(answers: Iterable[BaseModel]) -> None:
    """Print an array."""
    click.echo(json.dumps([answer.model_dump(mode="json", exclude_unset=True) for answer in answers]))
