"""Credentials of destinations: an organization's secrets, identified by name and read for every delivery.

Their readers keep them only in memory, and no error contains a value.
"""

import base64
import json
from collections.abc import Collection, Mapping

from shared.destinations.surroundings import Secrets
from shared.domain.errors import DestinationRefused
from shared.steps.sending import ChunkDelivery


def secret_text(secrets: Secrets, delivery: ChunkDelivery, name: str) -> str:
    """Return the secret's value as text; DestinationRefused with its name if it is missing or not UTF-8."""
    try:
        return secrets(delivery.organization_id, name).decode()
    except KeyError as error:
        raise DestinationRefused(f"Your organization has no secret named {name}") from error
    except UnicodeDecodeError as error:
        raise DestinationRefused(f"The secret {name} is not text in UTF-8") from error


def secret_fields(
    text: str,
    name: str,
    kinds: Collection[Collection[str]],
    optional: Collection[str] = (),
    unused: Collection[str] = (),
) -> Mapping[str, str]:
    """Return the fields of a secret that is a JSON object of texts.

    ``kinds``: sets of fields. The secret must have all fields of one set, and no other field except the
    ``optional`` and the ``unused`` ones. With an empty set, optional ones suffice. Otherwise
    DestinationRefused names them all but the unused ones.
    """
    wanted = " or ".join(" and ".join(kind) for kind in kinds if kind)
    if optional:
        wanted += f", optionally with {' and '.join(optional)}"
    if not all(kinds):
        wanted += f", or of {' and '.join(optional)} alone"
    refusal = DestinationRefused(f"The secret {name} must be a JSON object of {wanted}")
    try:
        found = json.loads(text)
    except ValueError:
        raise refusal from None  # the cause's text would show the secret
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise refusal
    found = {field: value for field, value in found.items() if field not in unused}
    given = found.keys() - set(optional)
    if not found or not any(given == set(kind) for kind in kinds):
        raise refusal
    return found


def basic_login(username: str, password: str) -> str:
    """Return the login as it follows ``Basic`` in a request's header ``Authorization``."""
    return base64.b64encode(f"{username}:{password}".encode()).decode()
