"""Headers that a client may add to a webhook's requests."""

import re
from typing import Final

from shared.destinations.surroundings import Secrets
from shared.domain.errors import DestinationRefused
from shared.steps.sending import ChunkDelivery

MOST_HEADERS: Final = 20
MOST_VALUE_LENGTH: Final = 1_000
NAME_PATTERN: Final = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$"
# As RFC 9110 has a field's value, without the bytes beyond ASCII that it calls obsolete.
VALUE_PATTERN: Final = rf"^[!-~]([ -~]{{0,{MOST_VALUE_LENGTH - 2}}}[!-~])?$"

_VALUE = re.compile(VALUE_PATTERN)
# What belongs to one connection, or what the request is framed and signed by.
_OURS: Final = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-signature-256",
    }
)
_OUR_BEGINNINGS: Final = ("webhook-", "x-webhook-")
_SECRET: Final = frozenset({"authorization", "cookie"})


def name_pattern(*, secret: bool) -> str:
    """The names that may be set, for the OpenAPI document: as ECMA-262 writes it, without flags."""
    taken = sorted(_OURS if secret else _OURS | _SECRET)
    whole = "|".join(_any_case(name) for name in taken)
    begun = "|".join(_any_case(beginning) for beginning in _OUR_BEGINNINGS)
    return rf"^(?!({whole})$)(?!{begun}){NAME_PATTERN.removeprefix('^')}"


def _any_case(text: str) -> str:
    return "".join(f"[{letter.upper()}{letter}]" if letter.isalpha() else letter for letter in text)


def check_name(name: str) -> str:
    """Answer the header's name; ValueError, for a person, if it is the service's own to set."""
    if name.lower() in _OURS or name.lower().startswith(_OUR_BEGINNINGS):
        raise ValueError(f"The service itself sets {name}, or no request may have it")
    return name


def check_plain_name(name: str) -> str:
    """The same of a header whose value is no secret."""
    if name.lower() in _SECRET:
        raise ValueError(
            f"{name} holds a secret: give the name of the organization's secret by secret_headers"
        )
    return check_name(name)


def added_headers(delivery: ChunkDelivery, secrets: Secrets) -> dict[str, str]:
    """The headers of a request to the destination, the secret ones as they are now.

    DestinationRefused, which names the secret, if it is not there or can't be a header's value.
    """
    options = delivery.destination.options
    return {
        **options.get("headers", {}),
        **{
            header: _value(secrets, delivery.organization_id, name)
            for header, name in options.get("secret_headers", {}).items()
        },
    }


def _value(secrets: Secrets, organization_id: str, name: str) -> str:
    try:
        text = secrets(organization_id, name).decode("ascii", "replace")
    except KeyError as error:
        raise DestinationRefused(f"Your organization has no secret named {name}") from error
    if _VALUE.fullmatch(text) is None:
        raise DestinationRefused(
            f"The secret {name} can't be a header: it needs 1 to {MOST_VALUE_LENGTH:,} printable characters"
            " of ASCII, without a space or a line's end at either end"
        )
    return text
