"""Organizations' ids, which name topics, staged files and secrets.

Without dots and slashes no two organizations can come to share one of them.
"""

import re
from dataclasses import dataclass

_ORGANIZATION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Caller:
    """An organization that asks; ``key_id`` names the API key it asks with, and tells nothing of it."""

    organization_id: str
    key_id: str


def is_organization_id(text: str) -> bool:
    return _ORGANIZATION_ID.fullmatch(text) is not None
