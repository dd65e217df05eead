"""Organizations' ids, which name topics, staged files and secrets.

Without dots and slashes no two organizations can come to share one of them.
"""

import re

_ORGANIZATION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_organization_id(text: str) -> bool:
    return _ORGANIZATION_ID.fullmatch(text) is not None
