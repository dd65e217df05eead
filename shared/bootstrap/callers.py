"""Choose the callers that a function accepts if only Google may call it."""

from google.auth.transport.requests import Request

from shared.adapters.callers import GoogleCallers
from shared.bootstrap.clients import monotonic, now
from shared.config import Settings


class Anybody:
    """Accepts every caller. It is for the local stack, whose emulator signs nothing. On Cloud Run the
    settings require a verified caller.
    """

    def require(self, authorization: str | None, serverless_authorization: str | None) -> None:
        del authorization, serverless_authorization


def callers(settings: Settings, service_account: str | None = None) -> Anybody | GoogleCallers:
    """Accept calls of the ``service_account``, by default of the one that pushes messages."""
    if not settings.push_audience:
        return Anybody()
    return GoogleCallers(
        Request(),
        audience=settings.push_audience,
        service_account=settings.push_service_account if service_account is None else service_account,
        behind_iam=settings.push_checked_by_iam,
        now=now,
        monotonic=monotonic,
    )
