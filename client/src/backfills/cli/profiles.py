"""Where a service is and with which key: environment, then the profile that ``backfills login`` made.

A profile's key is in the system's keyring where there is one, else in the file, which nobody else may read.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import stat
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

KEYRING_SERVICE = "backfills"


@dataclass(frozen=True)
class Profile:
    """``api_key`` is None where the keyring has it."""

    url: str
    api_key: str | None = None


@dataclass(frozen=True)
class Access:
    """The service to speak to, and the key for it."""

    url: str
    api_key: str


def file() -> Path:
    """In the platform's folder for settings."""
    return Path(click.get_app_dir("backfills")) / "profiles.json"


def load() -> dict[str, Profile]:
    """By name; none without a file. A ClickException for a file that is damaged or that others may read."""
    place = file()
    try:
        with place.open(encoding="utf-8") as opened:
            # Of the opened file: its name may mean another one by now.
            mode = os.fstat(opened.fileno()).st_mode
            stored = json.load(opened)
        profiles = {str(name): Profile(**fields) for name, fields in stored.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        raise click.ClickException(f"{place} is damaged: remove it and run: backfills login") from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise click.ClickException(f"Others may read the API keys in {place}. Run: chmod 600 {place}")
    return profiles


def store(profiles: dict[str, Profile]) -> None:
    """Whole or not at all, with mode 0600."""
    place = file()
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=place.parent)  # its mode is 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            json.dump({name: asdict(profile) for name, profile in profiles.items()}, opened, indent=2)
        Path(name).replace(place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def add(name: str, url: str, api_key: str) -> str:
    """Store a profile; answers where its key is."""
    profiles = load()
    ring = _keyring()
    if ring is not None:
        try:
            ring.set_password(KEYRING_SERVICE, _entry(name, url), api_key)
        except ring.errors.KeyringError:
            ring = None
    if ring is None:
        store({**profiles, name: Profile(url, api_key)})
        return str(file())
    store({**profiles, name: Profile(url)})
    return "the system's keyring"


def remove(name: str) -> None:
    """Forget a profile and its key; a UsageError if there is none."""
    profile, profiles = _profile(name), load()
    ring = _keyring()
    if ring is not None and profile.api_key is None:
        try:
            ring.delete_password(KEYRING_SERVICE, _entry(name, profile.url))
        except ring.errors.PasswordDeleteError:
            pass  # it is not there any more
        except ring.errors.KeyringError as error:
            raise click.ClickException(f"The keyring does not remove the key: {error}") from error
    del profiles[name]
    store(profiles)


def address(name: str | None) -> str:
    """The service's URL: of the profile if one is named, else of the environment, else of ``default``."""
    given = os.environ.get("BACKFILLS_URL")
    if name is None and given:
        return given
    return _profile(name or "default").url


def access(name: str | None) -> Access:
    """As ``address``, and the key. A stored key goes to its profile's service only."""
    given = os.environ.get("BACKFILLS_API_KEY")
    url = address(name)
    if name is None and given:
        return Access(url, given)
    profile = load().get(name or "default")
    if profile is None or profile.url != url:
        raise click.UsageError(
            "BACKFILLS_URL is set, BACKFILLS_API_KEY is not: a stored key goes to its own service only"
        )
    key = profile.api_key or _kept(name or "default", profile.url)
    if key is None:
        raise click.UsageError(f"The keyring no longer has the key of profile {name or 'default'}: {_LOGIN}")
    return Access(url, key)


_LOGIN = "run backfills login, or set BACKFILLS_URL and BACKFILLS_API_KEY"


def _profile(name: str) -> Profile:
    profiles = load()
    if name in profiles:
        return profiles[name]
    known = f" There are: {', '.join(sorted(profiles))}." if profiles else ""
    raise click.UsageError(f"There is no profile {name}: {_LOGIN}.{known}")


def _entry(name: str, url: str) -> str:
    return f"{name} {url}"


def _kept(name: str, url: str) -> str | None:
    ring = _keyring()
    if ring is None:
        return None
    try:
        key = ring.get_password(KEYRING_SERVICE, _entry(name, url))
    except ring.errors.KeyringError as error:
        raise click.ClickException(f"The keyring does not give the key of profile {name}: {error}") from error
    return None if key is None else str(key)


def _keyring() -> Any:
    """The module, where it is installed and has a place to keep keys; else None."""
    if importlib.util.find_spec("keyring") is None:
        return None
    ring = importlib.import_module("keyring")
    importlib.import_module("keyring.errors")
    return ring if getattr(ring.get_keyring(), "priority", 0) > 0 else None
