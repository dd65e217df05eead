"""Find the service and the key: from the environment, or from a profile that ``backfills login`` stored.

A profile's key is in the system's keyring if there is one, otherwise in the file, which only its owner may
read.
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
    """``api_key`` is None if the keyring has it."""

    url: str
    api_key: str | None = None


@dataclass(frozen=True)
class Access:
    """The service's address and its key."""

    url: str
    api_key: str


def file() -> Path:
    """Return the file's path in the platform's settings folder."""
    return Path(click.get_app_dir("backfills")) / "profiles.json"


def load() -> dict[str, Profile]:
    """Return profiles by name, none without a file. Raises ClickException for a damaged or exposed file."""
    place = file()
    try:
        with place.open(encoding="utf-8") as opened:
            # Check the opened file: its name may refer to another one by now.
            mode = os.fstat(opened.fileno()).st_mode
            stored = json.load(opened)
        profiles = {str(name): Profile(**fields) for name, fields in stored.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        raise click.ClickException(f"{place} is damaged: remove it and run: backfills login") from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise click.ClickException(f"Other users can read the API keys in {place}. Run: chmod 600 {place}")
    return profiles


def store(profiles: dict[str, Profile]) -> None:
    """Write the file atomically, with mode 0600."""
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
    """Store a profile; return where its key is."""
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
    """Remove a profile and its key. Raises UsageError if there is none."""
    profile, profiles = _profile(name), load()
    ring = _keyring()
    if ring is not None and profile.api_key is None:
        try:
            ring.delete_password(KEYRING_SERVICE, _entry(name, profile.url))
        except ring.errors.PasswordDeleteError:
            pass  # the key is already gone
        except ring.errors.KeyringError as error:
            raise click.ClickException(f"The keyring cannot remove the key: {error}") from error
    del profiles[name]
    store(profiles)


def address(name: str | None) -> str:
    """Return the service's URL: from the named profile, else the environment, else ``default``."""
    given = os.environ.get("BACKFILLS_URL")
    if name is None and given:
        return given
    return _profile(name or "default").url


def access(name: str | None) -> Access:
    """Return the ``address`` and its key. A stored key is sent only to its profile's service."""
    given = os.environ.get("BACKFILLS_API_KEY")
    url = address(name)
    if name is None and given:
        return Access(url, given)
    profile = load().get(name or "default")
    if profile is None or profile.url != url:
        raise click.UsageError(
            "BACKFILLS_URL is set, but BACKFILLS_API_KEY is not: a stored key is sent only to its own service"
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
    known = f" Profiles: {', '.join(sorted(profiles))}." if profiles else ""
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
        raise click.ClickException(f"The keyring cannot read the key of profile {name}: {error}") from error
    return None if key is None else str(key)


def _keyring() -> Any:
    """Return the module if it is installed and has a backend, else None."""
    if importlib.util.find_spec("keyring") is None:
        return None
    ring = importlib.import_module("keyring")
    importlib.import_module("keyring.errors")
    return ring if getattr(ring.get_keyring(), "priority", 0) > 0 else None
