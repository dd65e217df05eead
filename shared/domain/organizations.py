"""Organizations' ids, which name topics, staged files and secrets.

Without dots and slashes no two organizations can come to share one of them.
"""

import re
from dataclasses import dataclass

_ORGANIZATION_ID = re.compile(r"(?!__.*__$)[A-Za-z0-9_-]{1,64}")  # Firestore keeps __name__ to itself


@dataclass(frozen=True, slots=True)
class Caller:
    """An organization that asks; ``key_id`` names the API key it asks with, and tells nothing of it."""

    organization_id: str
    key_id: str


def is_organization_id(text: str) -> bool:
    return _ORGANIZATION_ID.fullmatch(text) is not None


def may_share_topics(one: str, other: str) -> bool:
    """Whether topics of two organizations can have names that Kafka takes for the same.

    It refuses a topic that differs from another in ``.`` and ``_`` only, as do beam.a_b.c and beam.a.b.c.
    """
    return one != other and (one.startswith(f"{other}_") or other.startswith(f"{one}_"))
