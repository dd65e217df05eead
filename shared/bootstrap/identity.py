"""Wire the tokens of the service's own identity."""

from collections.abc import Callable
from functools import cache


def identity_token(audience: str) -> str:
    """Return a token for the audience. The first call imports the client."""
    return _tokens()(audience)


@cache
def _tokens() -> Callable[[str], str]:
    from shared.adapters.identity_token import IdentityTokens  # noqa: PLC0415 - most instances need no token

    return IdentityTokens()
