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
    TooManyRequests,
    Unauthorized,
)
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from requests import RequestException

from shared.destinations.printable import printable
from shared.domain.errors import DestinationRefused, Unavailable

_POLICY = "orgPolicyConstraintFailed"  # the reason in Google's answer
_PASSING = frozenset({408, 429})
_FIRST_OF_SERVER = 500
_SHOWN = 2_000  # characters: the names of an object and of a staged file come before Google's own words


@contextmanager
def speaking_of(bucket: str) -> Iterator[None]:
    """Turn the client's errors into ours: temporary ones, and those that the bucket's owner must resolve."""
    try:
        yield
    except PreconditionFailed as error:
        raise _of_condition(error, bucket) from None
    except NotFound as error:
        raise DestinationRefused(f"There is no bucket {bucket}", detail=_shown(error)) from None
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
    except InvalidResponse as error:
        raise _of_upload(error, bucket) from None
    except (GoogleAPICallError, DataCorruption, TransportError, RequestException, ConnectionError) as error:
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


def _of_upload(error: InvalidResponse, bucket: str) -> Exception:
    """Return our error for a failed part of an upload. The client's error has only the status."""
    status = int(error.response.status_code)
    if status == NotFound.code:
        return DestinationRefused(f"There is no bucket {bucket}", detail=_shown(error))
    if status in _PASSING or status >= _FIRST_OF_SERVER:
        return Unavailable(f"bucket {bucket}", detail=_shown(error))
    return DestinationRefused(
        f"Bucket {bucket} refuses the object: it answered {status}. Have its owner check the service's"
        " permissions and the bucket's rules, and retry the job",
        detail=_shown(error),
    )


def _shown(error: BaseException) -> str:
    # Anyone who has an upload's address may write to it, so remove the address's parameters.
    return printable(re.sub(r"\?\S*", "?", f"{type(error).__name__}: {error}"), _SHOWN)
