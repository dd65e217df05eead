"""The forms of the commands' arguments."""

import argparse
from datetime import datetime
from uuid import UUID

from shared.domain.organizations import is_organization_id


def organization(text: str) -> str:
    if not is_organization_id(text):
        raise argparse.ArgumentTypeError("1 to 64 letters, digits, hyphens and underscores")
    return text


def job_id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise argparse.ArgumentTypeError("a job's id like f47ac10b-58cc-4372-a567-0e02b2c3d479") from None


def count(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise argparse.ArgumentTypeError("a whole number")
    return int(text)


def most(text: str) -> int | None:
    if text == "default":
        return None
    if not text.isascii() or not text.isdecimal():
        raise argparse.ArgumentTypeError("a whole number, or `default`")
    return int(text)


def time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError("add the offset, as in 2026-03-01T10:00:00+00:00")
    return found
