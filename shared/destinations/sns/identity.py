"""Who publishes: keys of Amazon's, as a secret holds them or as a role gives them for an hour."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from shared.destinations.credentials import secret_fields
from shared.destinations.sns.errors import UNANSWERED, Asked, of_client, of_connection
from shared.errors import DestinationRefused

AUDIENCE = "sts.amazonaws.com"
"""Of the tokens by which Google's Cloud vouches for the service; the role's trust policy asks for it."""

_ROLE = r"arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:role/[!-~]{1,512}"
_KEYS = ("access_key_id", "secret_access_key")
_SHORTEST_SESSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """``expires``: when they end, where that is known."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    expires: datetime | None = None


def keys_of(text: str, name: str) -> tuple[Keys, str | None]:
    """The keys of a secret, and the role to take on with them, if any; DestinationRefused with its name."""
    fields = secret_fields(text, name, [_KEYS], ("role_arn", "session_token"))
    role = fields.get("role_arn")
    if role is not None and re.fullmatch(_ROLE, role) is None:
        raise DestinationRefused(f"The role_arn of the secret {name} is not the ARN of a role")
    # They go into headers.
    if not all(re.fullmatch(r"[!-~]+", value) for value in fields.values()):
        raise DestinationRefused(f"The secret {name} has a field that is empty or no printable ASCII")
    return (
        Keys(
            access_key_id=fields["access_key_id"],
            secret_access_key=fields["secret_access_key"],
            session_token=fields.get("session_token"),
        ),
        role,
    )


def taken_on(sts: Any, role: str, organization_id: str, identity: str, token: str | None = None) -> Keys:
    """The role's keys, for an hour: by the client's own keys, or by an ID token.

    The session has the organization's name, by which the owner of a topic or role tells organizations apart.
    """
    # A name has two characters at least; no organization's has this one.
    session = organization_id.ljust(_SHORTEST_SESSION, "=")
    asked = Asked(
        identity, "sts:AssumeRole" if token is None else "sts:AssumeRoleWithWebIdentity", f"role {role}"
    )
    wanted = {"RoleArn": role, "RoleSessionName": session}
    try:
        if token is None:
            answer = sts.assume_role(**wanted)
        else:
            answer = sts.assume_role_with_web_identity(**wanted, WebIdentityToken=token)
    except ClientError as error:
        raise of_client(error, asked) from None
    except UNANSWERED as error:
        raise of_connection(error, asked) from None
    found = answer["Credentials"]
    return Keys(
        access_key_id=found["AccessKeyId"],
        secret_access_key=found["SecretAccessKey"],
        session_token=found["SessionToken"],
        expires=found["Expiration"],
    )
