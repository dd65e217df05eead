"""Create and remove profiles."""

from __future__ import annotations

import json
import os
import sys

import click

from backfills.cli import profiles
from backfills.cli.common import Choices, service_of
from backfills.cli.text import printable, whisper


def login(choices: Choices, url: str | None, *, check: bool) -> None:
    """Prompt for missing values; store the profile after the service accepts the key."""
    name = choices.profile or "default"
    url = url or os.environ.get("BACKFILLS_URL") or click.prompt("The service's URL", err=True)
    url = url.strip().rstrip("/")
    key = _key()
    with service_of(profiles.Access(url, key), choices) as service:
        if check:
            next(iter(service.list(newest_first=True)), None)
    place = profiles.add(name, url, key)
    if choices.as_json:
        click.echo(json.dumps({"profile": name, "url": url, "key_in": place}))
    else:
        whisper(
            f"Profile {printable(name)} for {printable(url)} is stored; its key is in {printable(place)}."
        )


def _key() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("API key", hide_input=True, err=True)).strip()
    key = sys.stdin.readline().strip()
    if not key:
        raise click.UsageError("Give the API key on standard input")
    return key


def logout(choices: Choices) -> None:
    """Remove the profile and its key."""
    name = choices.profile or "default"
    profiles.remove(name)
    if choices.as_json:
        click.echo(json.dumps({"profile": name}))
    else:
        whisper(f"Profile {printable(name)} is removed.")
