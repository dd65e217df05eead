"""The meaning of Amazon's errors for a delivery."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from shared.destinations.printable import printable
from shared.domain.destination import Destination
from shared.domain.errors import BackfillError, DestinationRefused, Unavailable

_FIRST_OF_SERVER = 500
_TOO_MANY = 429
_NOT_THERE = ("NotFound", "NotFoundException", "KMSNotFound")
_NOT_ALLOWED = (
    *("AuthorizationError", "AuthorizationErrorException", "AccessDenied", "AccessDeniedException"),
    *("KMSAccessDenied", "KMSDisabled", "KMSInvalidState", "KMSOptInRequired"),
)
_NOT_KNOWN = (
    *("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSecurity"),
    *("ExpiredToken", "ExpiredTokenException", "MissingAuthenticationToken", "IncompleteSignature"),
    *("InvalidIdentityToken", "IDPRejectedClaim"),
)
_PASSING = (
    *("Throttling", "ThrottlingException", "Throttled", "ThrottledException", "KMSThrottling"),
    *("RequestLimitExceeded", "TooManyRequestsException", "RequestTimeTooSkewed", "RequestExpired"),
    *("IDPCommunicationError",),
    *("InternalError", "InternalErrorException", "InternalFailure", "ServiceUnavailable"),
)


@contextmanager
def speaking_of(destination: Destination, role: str | None = None) -> Iterator[None]:
    """Turn the client's errors into ours: temporary ones, and those that the topic's owner must resolve.

    ``role``: the role being assumed. Without one, the call publishes a message.
    """
    try:
        yield
    except ClientError as error:
        answer = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise meaning(destination, answer.get("Code", ""), status, answer.get("Message", ""), role) from None
    except ParamValidationError as error:
        raise DestinationRefused(
            f"SNS refuses the message for {destination}", detail=printable(str(error))
        ) from None
    except BotoCoreError as error:
        raise Unavailable(
            f"Amazon, for {destination},", detail=printable(f"{type(error).__name__}: {error}")
        ) from None


def meaning(
    destination: Destination, code: str, status: int, text: str, role: str | None = None
) -> BackfillError:
    """Return our error for this code, of publishing or of assuming a role; ``text`` is for the operator."""
    topic = destination.options["topic_arn"]
    secret = destination.options.get("credentials")
    detail = printable(f"{status} {code}: {text}")
    short = code.removeprefix("AWS.SimpleQueueService.")
    if short in _PASSING or status >= _FIRST_OF_SERVER or status == _TOO_MANY:
        return Unavailable(f"Amazon, for {destination},", detail=detail)
    if role is not None and secret is None:
        words = "Amazon does not allow the service to assume its own role: ask the service's operator"
    elif short in _NOT_THERE:
        words = f"There is no topic {topic}, or its key is gone"
    elif short in _NOT_KNOWN:
        words = "Amazon does not accept the service's own keys: ask the service's operator"
        if secret is not None:
            words = f"Amazon does not accept the credentials of secret {secret}: store valid ones and retry"
            words += " the job"
    elif role is not None:
        words = f"The credentials of secret {secret} may not assume its role_arn: grant sts:AssumeRole, have"
        words += " the role trust them, and retry the job"
    elif short in _NOT_ALLOWED:
        who = "The service's own identity" if secret is None else f"The credentials of secret {secret}"
        words = f"{who} may not publish to topic {topic}: grant sns:Publish, and kms:GenerateDataKey and"
        words += " kms:Decrypt where the topic is encrypted, and retry the job"
    else:
        words = f"Topic {topic} refuses these messages"
    return DestinationRefused(words, detail=detail)
