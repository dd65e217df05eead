"""Who publishes: keys of Amazon's, as a secret holds them or as a role gives them for an hour."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from shared.destinations.credentials import secret_fields
from shared.destinations.sns.errors import speaking_of
from shared.domain.destination import Destination

AUDIENCE: Final = "sts.amazonaws.com"
"""Of the tokens by which Google vouches for the service; the role's trust policy asks for it."""
LASTS: Final = timedelta(hours=1)
"""Of a role's keys, which Amazon gives for so long unless told otherwise."""

_KEYS = ("access_key_id", "secret_access_key")
_OPTIONAL = ("session_token", "role_arn")
_SHORTEST_SESSION = 2


@dataclass(frozen=True, slots=True)
class Keys:
    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


def keys_of(text: str, name: str) -> tuple[Keys, str | None]:
    """The keys in a secret's text, and the role to assume with them, if any.

    DestinationRefused, with the secret's name, if it holds none.
    """
    found = secret_fields(text, name, [_KEYS], _OPTIONAL)
    keys = Keys(found["access_key_id"], found["secret_access_key"], found.get("session_token"))
    return keys, found.get("role_arn")


def assumed(
    sts: Any, role: str, organization_id: str, destination: Destination, token: str | None = None
) -> Keys:
    """The role's keys: by the keys of the client, or by an ID token.

    The session is named for the organization: by that name the owner of a topic lets one organization in.
    """
    # A name has two characters at least; no organization's id has this one.
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
