"""The publisher's Amazon keys: from a secret, or from a role for one hour."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from shared.destinations.credentials import secret_fields
from shared.destinations.sns.errors import speaking_of
from shared.domain.destination import Destination

AUDIENCE: Final = "sts.amazonaws.com"
"""The audience of Google's identity tokens for the service. The role's trust policy requires it."""
LASTS: Final = timedelta(hours=1)
"""The validity of a role's keys, Amazon's default."""

_KEYS = ("access_key_id", "secret_access_key")
_OPTIONAL = ("session_token", "role_arn")
_SHORTEST_SESSION = 2


@dataclass(frozen=True, slots=True)
class Keys:
    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


def keys_of(text: str, name: str) -> tuple[Keys, str | None]:
    """Return the keys in a secret's text, and the role to assume with them, if any.

    Raises DestinationRefused, with the secret's name, if it has no keys.
    """
    found = secret_fields(text, name, [_KEYS], _OPTIONAL)
    keys = Keys(found["access_key_id"], found["secret_access_key"], found.get("session_token"))
    return keys, found.get("role_arn")


def assumed(
    sts: Any, role: str, organization_id: str, destination: Destination, token: str | None = None
) -> Keys:
    """Return the role's keys, obtained with the client's keys or with an ID token.

    The session's name is the organization, so that a topic's owner can admit one organization.
    """
    # A session name needs at least two characters. No organization id contains the padding character.
    session = organization_id.ljust(_SHORTEST_SESSION, "=")
    with speaking_of(destination, role):
        if token is None:
            answer = sts.assume_role(RoleArn=role, RoleSessionName=session)
        else:
            answer = sts.assume_role_with_web_identity(
                RoleArn=role, RoleSessionName=session, WebIdentityToken=token
            )
    found = answer["Credentials"]
    return Keys(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
