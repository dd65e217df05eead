"""Organization ids. Topics, staged files and secrets have them in their names.

An id has no dots and no slashes, so two organizations can never share such a name.
"""

import re
from dataclasses import dataclass

_ORGANIZATION_ID = re.compile(r"(?!__.*__$)[A-Za-z0-9_-]{1,64}")  # Firestore reserves names like __name__


@dataclass(frozen=True, slots=True)
class Caller:
    """The calling organization; ``key_id`` names the API key of the request without revealing it."""

    organization_id: str
    key_id: str


def is_organization_id(text: str) -> bool:
    return _ORGANIZATION_ID.fullmatch(text) is not None


def may_share_topics(one: str, other: str) -> bool:
    """Return whether Kafka could treat topic names of the two organizations as the same.

    Kafka refuses a topic whose name differs from another only in ``.`` and ``_``, such as beam.a_b.c and
    beam.a.b.c.
    """
    return one != other and (one.startswith(f"{other}_") or other.startswith(f"{one}_"))
