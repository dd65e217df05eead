"""Which of the Google clients' errors mean that the part behind them is out of reach for now."""

from collections.abc import Iterator
from contextlib import contextmanager

from google.api_core import exceptions
from google.auth.exceptions import TransportError
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import Timeout

from shared.domain.errors import Unavailable

_PASSING = (
    exceptions.Aborted,
    exceptions.Cancelled,
    exceptions.DeadlineExceeded,
    exceptions.GatewayTimeout,
    exceptions.InternalServerError,
    exceptions.ResourceExhausted,
    exceptions.RetryError,
    exceptions.ServerError,
    exceptions.ServiceUnavailable,
    exceptions.TooManyRequests,
    exceptions.Unknown,
    NoConnection,
    Timeout,
    TransportError,
)


@contextmanager
def reaching(dependency: str) -> Iterator[None]:
    """Raise Unavailable, naming the dependency, for whatever passes with time."""
    try:
        yield
    except _PASSING as error:
        raise Unavailable(dependency, detail=f"{type(error).__name__}: {error}") from error
