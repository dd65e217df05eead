"""Checks the text of a webhook's URL. The guard checks its addresses when it connects."""

import re
from urllib.parse import urlsplit

from shared.destinations.hosts import IPV6, PORT

MOST_URL_LENGTH = 2_048

_PRINTABLE = re.compile(r"[!-~]+")
# Every parser must agree on it: names, IPv4 and bracketed IPv6, without userinfo, backslashes and escapes.
_AUTHORITY = rf"([A-Za-z0-9._-]+|{IPV6})(:{PORT})?"


def pattern(*, allow_insecure: bool, rest: str = r"[/?#][!-~]*") -> str:
    """Return the ECMA-262 pattern of accepted URLs for the OpenAPI document; ``rest``: what may follow the
    host.
    """
    scheme = "[Hh][Tt][Tt][Pp][Ss]" + ("?" if allow_insecure else "")
    return f"^{scheme}://{_AUTHORITY}({rest})?$"


def check_webhook_url(url: str, *, allow_insecure: bool, instead: str = "sign requests with hash_key") -> str:
    """Return the URL unchanged; ValueError, with a text for people, if it cannot be a webhook's.

    ``instead``: what to do instead of giving user information in the URL. ``allow_insecure`` is the local
    stack's switch for plain http.
    """
    if _PRINTABLE.fullmatch(url) is None:
        raise ValueError("Write the URL in printable ASCII, its host as punycode, the rest percent-encoded")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ValueError("The URL's host can't be read") from error
    if parts.scheme not in {"https", "http"} or (parts.scheme == "http" and not allow_insecure):
        raise ValueError("The URL must begin with https://")
    if "@" in parts.netloc:
        raise ValueError(f"The URL must not contain user information: {instead} instead")
    if re.fullmatch(_AUTHORITY, parts.netloc) is None:
        raise ValueError("The URL needs a host, and may have a port from 1 to 65535")
    return url
