"""Choose whose calls a function takes that only Google may call."""

from google.auth.transport.requests import Request

from shared.adapters.callers import GoogleCallers
from shared.bootstrap.clients import monotonic, now
from shared.config import Settings


class Anybody:
    """The local stack, whose emulator signs nothing. On Cloud Run the settings can't be read without."""

    def require(self, authorization: str | None, serverless_authorization: str | None) -> None:
        del authorization, serverless_authorization


def callers(settings: Settings, service_account: str | None = None) -> Anybody | GoogleCallers:
    """Those of the ``service_account``, or of the one that pushes."""
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
