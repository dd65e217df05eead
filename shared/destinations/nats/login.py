"""A delivery's credentials, and the authority of its servers' certificates, from the named secret."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import nkeys
from nats.aio.client import RawCredentials

from shared.destinations.credentials import secret_fields, secret_text
from shared.destinations.surroundings import Secrets
from shared.domain.errors import DestinationRefused
from shared.steps.sending import ChunkDelivery

_CREDS, _AUTHORITY = "creds", "ca"
# A server may ask for no login, and have a certificate of a private authority.
_KINDS = (("user", "password"), ("token",), (_CREDS,), ())
_FILE_BEGINS = "-----BEGIN NATS USER JWT-----"
_FILE = re.compile(
    r"BEGIN NATS USER JWT-+\n[!-~]+\n-+END NATS USER JWT-"
    r".*BEGIN USER NKEY SEED-+\n([!-~]+)\n-+END USER NKEY SEED",
    re.DOTALL,
)
_CERTIFICATE = "-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class Login:
    """``arguments``: of the client's ``connect``. ``tls``: trusts the secret's authority; None: the public
    ones.
    """

    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)  # secret
    tls: ssl.SSLContext | None = None


def login(delivery: ChunkDelivery, secrets: Secrets) -> Login:
    """Read the secret, if the destination names one; DestinationRefused, with its name, if it is invalid."""
    name = delivery.destination.options.get("credentials")
    if name is None:
        return Login()
    text = secret_text(secrets, delivery, name)
    if _FILE_BEGINS in text and not text.lstrip().startswith("{"):
        return Login(_of_file(text, name))
    found = dict(secret_fields(text, name, _KINDS, (_AUTHORITY,)))
    authority = found.pop(_AUTHORITY, None)
    tls = None if authority is None else _trusting(authority, name)
    return Login(_of_file(found[_CREDS], name) if _CREDS in found else found, tls)


def _of_file(text: str, name: str) -> Mapping[str, Any]:
    """DestinationRefused for a file that makes the client fail with other errors or read forever."""
    text = text.replace("\r\n", "\n")  # the client would send the carriage return with the token
    found = _FILE.search(text)
    refusal = DestinationRefused(
        f"The secret {name} is not the text of a .creds file with a token and a seed"
    )
    if found is None:
        raise refusal
    try:
        nkeys.from_seed(bytearray(found[1].encode())).wipe()
    except (nkeys.NkeysError, ValueError):
        raise refusal from None  # the cause's text could show the secret
    return {"user_credentials": RawCredentials(text)}


def _trusting(authority: str, name: str) -> ssl.SSLContext:
    refusal = DestinationRefused(f"The ca of secret {name} is not a certificate in PEM")
    if _CERTIFICATE not in authority:
        raise refusal
    try:
        return ssl.create_default_context(cadata=authority)
    except (ssl.SSLError, ValueError):
        raise refusal from None
