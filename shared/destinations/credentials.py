"""Credentials of destinations: secrets of an organization, told by name and read anew for every delivery.

What reads them keeps them in memory only, and no error holds a value.
"""

import json
from collections.abc import Collection, Mapping

from shared.destinations.surroundings import Secrets
from shared.domain.errors import DestinationRefused
from shared.steps.sending import ChunkDelivery


def secret_text(secrets: Secrets, delivery: ChunkDelivery, name: str) -> str:
    """The secret's value as text; DestinationRefused, with its name, if there is none or it is no UTF-8."""
    try:
        return secrets(delivery.organization_id, name).decode()
    except KeyError as error:
        raise DestinationRefused(f"Your organization has no secret named {name}") from error
    except UnicodeDecodeError as error:
        raise DestinationRefused(f"The secret {name} is not text in UTF-8") from error


def secret_fields(
    text: str, name: str, kinds: Collection[Collection[str]], optional: Collection[str] = ()
) -> Mapping[str, str]:
    """The fields of a secret that is a JSON object of texts.

    ``kinds``: the sets of fields of which it has to have one whole; DestinationRefused, which tells them,
    if it has none, or any other field than those and the ``optional`` ones.
    """
    wanted = " or ".join(" and ".join(kind) for kind in kinds)
    refusal = DestinationRefused(f"The secret {name} has to be a JSON object of {wanted}")
    try:
        found = json.loads(text)
    except ValueError:
        raise refusal from None  # whose text would show the secret
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise refusal
    given = found.keys() - set(optional)
    if not any(given == set(kind) for kind in kinds):
        raise refusal
    return found
