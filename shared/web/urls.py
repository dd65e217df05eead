"""A webhook's URL as far as its text goes. Where it resolves to is checked when it is dialled."""

import re
from urllib.parse import urlsplit

MOST_URL_LENGTH = 2_048

_PRINTABLE = re.compile(r"[!-~]+")
# One meaning for every parser: names, IPv4 and bracketed IPv6, so no userinfo, backslash or escape in it.
_AUTHORITY = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


def check_webhook_url(url: str, *, allow_insecure: bool) -> str:
    """Answer the URL as it is; ValueError, for a person, if no webhook can be there.

    ``allow_insecure`` is the local stack's switch for plain http.
    """
    if _PRINTABLE.fullmatch(url) is None:
        raise ValueError("Write the URL in printable ASCII, its host as punycode, the rest percent-encoded")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError("The URL's host or port can't be read") from error
    if parts.scheme not in {"https", "http"} or (parts.scheme == "http" and not allow_insecure):
        raise ValueError("The URL must begin with https://")
    if "@" in parts.netloc:
        raise ValueError("The URL must not hold user information: sign requests with hash_key instead")
    if _AUTHORITY.fullmatch(parts.netloc) is None or port == 0:
        raise ValueError("The URL needs a host, and may have a port")
    return url
