"""What Amazon's answers mean for a delivery."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from shared.destination import Destination
from shared.errors import BackfillError, DestinationRefused, Unavailable

_SHOWN = 200  # characters of an error in the log
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
)
_PASSING = (
    *("Throttling", "ThrottlingException", "Throttled", "ThrottledException", "KMSThrottling"),
    *("RequestLimitExceeded", "TooManyRequestsException", "RequestTimeTooSkewed", "RequestExpired"),
    *("InternalError", "InternalErrorException", "InternalFailure", "ServiceUnavailable"),
)


@contextmanager
def speaking_of(destination: Destination) -> Iterator[None]:
    """Turn the client's errors into ours: what may pass, and what the topic's owner has to change."""
    try:
        yield
    except ClientError as error:
        answer = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise meaning(destination, answer.get("Code", ""), status, answer.get("Message", "")) from None
    except ParamValidationError as error:
        raise DestinationRefused(
            f"The message is none that SNS takes at {destination}", detail=_shown(str(error))
        ) from None
    except BotoCoreError as error:
        raise Unavailable(
            f"Amazon, for {destination},", detail=_shown(f"{type(error).__name__}: {error}")
        ) from None


def meaning(destination: Destination, code: str, status: int, text: str) -> BackfillError:
    """What the error of this code is to the delivery; ``text`` is the operator's."""
    topic = destination.options["topic_arn"]
    secret = destination.options["credentials"]
    detail = _shown(f"{status} {code}: {text}")
    short = code.removeprefix("AWS.SimpleQueueService.")
    if short in _PASSING or status >= _FIRST_OF_SERVER or status == _TOO_MANY:
        return Unavailable(f"Amazon, for {destination},", detail=detail)
    if short in _NOT_THERE:
        return DestinationRefused(f"There is no topic {topic}, or its key is gone", detail=detail)
    if short in _NOT_KNOWN:
        return DestinationRefused(
            f"Amazon does not take the credentials of secret {secret}: store valid ones and retry the job",
            detail=detail,
        )
    if short in _NOT_ALLOWED:
        return DestinationRefused(
            f"The credentials of secret {secret} may not publish to topic {topic}: grant sns:Publish, and"
            " kms:GenerateDataKey and kms:Decrypt where the topic is encrypted, and retry the job",
            detail=detail,
        )
    return DestinationRefused(f"Topic {topic} does not take these messages", detail=detail)


def _shown(text: str) -> str:
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text[:_SHOWN])
