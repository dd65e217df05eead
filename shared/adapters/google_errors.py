"""The errors of Google's clients that mean that a dependency is temporarily unavailable."""

from collections.abc import Iterator
from contextlib import contextmanager

from google.api_core import exceptions
from google.auth.exceptions import TransportError
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import Timeout
from urllib3.exceptions import HTTPError

from shared.domain.errors import Unavailable

PASSING = (
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
    HTTPError,
)


@contextmanager
def reaching(dependency: str) -> Iterator[None]:
    """Turn temporary errors into Unavailable, which names the dependency."""
    try:
        yield
    except PASSING as error:
        raise Unavailable(dependency, detail=f"{type(error).__name__}: {error}") from error
