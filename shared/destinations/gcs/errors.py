"""The meaning of Google Cloud Storage's errors for a delivery."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from google.api_core.exceptions import (
    ClientError,
    Forbidden,
    GoogleAPICallError,
    NotFound,
    PreconditionFailed,
    RetryError,
    TooManyRequests,
    Unauthorized,
)
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud.storage.exceptions import DataCorruption
from requests import RequestException

from shared.destinations.printable import printable
from shared.domain.errors import DestinationRefused, Unavailable

_POLICY = "orgPolicyConstraintFailed"  # the reason in Google's answer
_PASSING = (
    # A server's error, and a lost upload's other answer, 410, for which the client has no class of its own.
    GoogleAPICallError,
    # What the client makes of such errors after two minutes; it is no GoogleAPICallError.
    RetryError,
    DataCorruption,
    TransportError,
    RequestException,
    ConnectionError,
)
_SHOWN = 2_000  # characters: the names of an object and of a staged file come before Google's own words


@contextmanager
def speaking_of(bucket: str) -> Iterator[None]:
    """Turn the client's errors into ours: temporary ones, and those that the bucket's owner must resolve."""
    try:
        yield
    except PreconditionFailed as error:
        raise _of_condition(error, bucket) from None
    except NotFound as error:
        raise _of_absence(error, bucket) from None
    except (Forbidden, Unauthorized) as error:
        raise DestinationRefused(
            f"The service may not create and read objects in bucket {bucket}, or a rule of the bucket forbids"
            " it. Have its owner grant this, and retry the job",
            detail=_shown(error),
        ) from None
    except TooManyRequests as error:
        raise Unavailable(f"bucket {bucket}", detail=_shown(error)) from None
    except ClientError as error:
        raise DestinationRefused(f"Bucket {bucket} refuses the object", detail=_shown(error)) from None
    except _PASSING as error:
        raise Unavailable(f"bucket {bucket}", detail=_shown(error)) from None
    except GoogleAuthError as error:
        raise Unavailable("the service's identity", detail=_shown(error)) from None


def _of_condition(error: PreconditionFailed, bucket: str) -> Exception:
    """Return our error for a condition that failed although no object exists."""
    if _POLICY in getattr(error.response, "text", ""):
        return DestinationRefused(
            f"A rule of bucket {bucket} forbids the object: an organization policy. Have its owner change the"
            " policy, and retry the job",
            detail=_shown(error),
        )
    # The object was there a moment ago, or the condition is unknown to us.
    return Unavailable(f"bucket {bucket}", detail=_shown(error))


def _of_absence(error: NotFound, bucket: str) -> Exception:
    request = getattr(error.response, "request", None)
    if request is not None and request.method == "PUT":
        # Only the parts of an upload are put. GCS has lost the upload, and another one may succeed.
        return Unavailable(f"bucket {bucket}", detail=_shown(error))
    return DestinationRefused(f"There is no bucket {bucket}", detail=_shown(error))


def _shown(error: BaseException) -> str:
    # Anyone who has an upload's address may write to it, so remove the address's parameters.
    return printable(re.sub(r"\?\S*", "?", f"{type(error).__name__}: {error}"), _SHOWN)
