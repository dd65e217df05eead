"""Wire the tokens that tell the service's own identity."""

from collections.abc import Callable
from functools import cache


def identity_token(audience: str) -> str:
    """Answer a token for the audience. Its client is imported when a token is first asked for."""
    return _tokens()(audience)


@cache
def _tokens() -> Callable[[str], str]:
    from shared.adapters.identity_token import IdentityTokens  # noqa: PLC0415 - most instances need none

    return IdentityTokens()
