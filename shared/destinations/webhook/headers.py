"""Headers that a client may add to a webhook's requests."""

import re
from typing import Final

from shared.destinations.surroundings import Secrets
from shared.domain.errors import DestinationRefused
from shared.steps.sending import ChunkDelivery

MOST_HEADERS: Final = 20
MOST_VALUE_LENGTH: Final = 1_000
NAME_PATTERN: Final = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$"
# RFC 9110's field value, without the bytes beyond ASCII that it calls obsolete.
VALUE_PATTERN: Final = rf"^[!-~]([ -~]{{0,{MOST_VALUE_LENGTH - 2}}}[!-~])?$"

_VALUE = re.compile(VALUE_PATTERN)
# Headers of the connection, and headers that frame or sign the request.
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
    """Return the pattern of allowed names for the OpenAPI document: an ECMA-262 pattern without flags."""
    taken = sorted(_OURS if secret else _OURS | _SECRET)
    whole = "|".join(_any_case(name) for name in taken)
    begun = "|".join(_any_case(beginning) for beginning in _OUR_BEGINNINGS)
    return rf"^(?!({whole})$)(?!{begun}){NAME_PATTERN.removeprefix('^')}"


def _any_case(text: str) -> str:
    return "".join(f"[{letter.upper()}{letter}]" if letter.isalpha() else letter for letter in text)


def check_name(name: str) -> str:
    """Return the header's name; ValueError, with a text for people, if clients may not set this header."""
    if name.lower() in _OURS or name.lower().startswith(_OUR_BEGINNINGS):
        raise ValueError(f"Clients may not set {name}: the service sets it itself, or no request may have it")
    return name


def check_plain_name(name: str) -> str:
    """Check a header's name like ``check_name``, for a header whose value is not a secret."""
    if name.lower() in _SECRET:
        raise ValueError(
            f"{name} holds a secret: give the name of the organization's secret in secret_headers"
        )
    return check_name(name)


def added_headers(delivery: ChunkDelivery, secrets: Secrets) -> dict[str, str]:
    """Return the headers of a request to the destination, with the current values of secret headers.

    Raises DestinationRefused, which names the secret, if it is missing or is not a valid header value.
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
            f"The secret {name} can't be a header: it needs 1 to {MOST_VALUE_LENGTH:,} printable ASCII"
            " characters, without a space or a line break at either end"
        )
    return text
