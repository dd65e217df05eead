"""What an answer of Amazon's means: what may pass, and what never will, in words for the client."""

from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from shared.errors import BackfillError, DestinationRefused, Unavailable

_SHOWN: Final = 200  # characters of Amazon's words in the log
_SERVER_ERRORS: Final = 500
_TOO_MANY_REQUESTS: Final = 429

THROTTLED: Final = frozenset(
    {
        *("Throttling", "ThrottlingException", "Throttled", "ThrottledException", "RequestThrottled"),
        *("RequestLimitExceeded", "TooManyRequestsException", "BandwidthLimitExceeded", "SlowDown"),
        *("LimitExceededException", "KMSThrottling", "PriorRequestNotComplete"),
    }
)
_PASSING: Final = frozenset(
    {
        *("InternalError", "InternalFailure", "InternalServiceError", "ServiceUnavailable"),
        *("ServiceUnavailableException", "RequestTimeout", "RequestTimeoutException"),
        *("IDPCommunicationError", "Unavailable"),
    }
)
_SKEWED: Final = frozenset({"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"})
_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
_UNKNOWN: Final = frozenset(
    {
        *("InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException", "AuthFailure"),
        *("InvalidAccessKeyId", "MissingAuthenticationToken", "IncompleteSignature", "InvalidSecurity"),
        *("InvalidToken", "InvalidIdentityToken", "IDPRejectedClaim", "InvalidSignatureException"),
        *("MissingAuthenticationTokenException", "NotAuthorized"),
    }
)
_FORBIDDEN: Final = frozenset(
    {"AuthorizationError", "AuthorizationErrorException", "AccessDenied", "AccessDeniedException"}
)
_MISSING: Final = frozenset({"NotFound", "NotFoundException", "ResourceNotFoundException"})
_OF_KEYS: Final = _SKEWED | _EXPIRED | _UNKNOWN
_KINDS: Final = {
    **dict.fromkeys(_EXPIRED, "expired"),
    **dict.fromkeys(_UNKNOWN, "unknown"),
    **dict.fromkeys(_FORBIDDEN, "forbidden"),
    **dict.fromkeys(_MISSING, "missing"),
}
_CLOCK_WORDS: Final = ("Signature expired", "Signature not yet current")


UNANSWERED: Final = (BotoCoreError, ResponseParserError)
"""What the client raises for want of an answer that can be read."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of Amazon, for messages: by whose ``identity``, which ``right`` at which ``place``.

    ``lasting``: a token that has expired stays so until somebody stores another one.
    """

    identity: str
    right: str
    place: str
    lasting: bool = True


def of_client(error: ClientError, asked: Asked) -> BackfillError:
    """What a whole request's refusal is raised as. Its text and parameters stay out of the chain."""
    said: Any = error.response.get("Error", {})
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return failure(str(said.get("Code", "")), str(said.get("Message", "")), asked, status=status)


def of_connection(error: Exception, asked: Asked) -> Unavailable:
    """No answer that can be read: a connection that is refused, cut or too slow, or a body that is no XML."""
    # What could not be read may hold a token: only the kind of error is told then.
    return Unavailable(f"The endpoint of {asked.place}", detail=type(error).__name__)


def expired(error: ClientError) -> bool:
    """Whether it is the keys that are too old."""
    return error.response.get("Error", {}).get("Code") in _EXPIRED


def failure(code: str, words: str, asked: Asked, *, status: int = 0, passing: bool = False) -> BackfillError:
    """``passing``: Amazon says that it is no fault of the sender's."""
    shown_code = shown(code)
    # Words that refuse a signature quote what was signed, tokens included.
    detail = shown_code if code in _OF_KEYS else shown(f"{code} {words}")
    if (what := _passes(code, words, asked, status, passing=passing)) is not None:
        return Unavailable(what, detail=detail)
    return DestinationRefused(_refusal(code, shown_code, asked), detail=detail)


def _passes(code: str, words: str, asked: Asked, status: int, *, passing: bool) -> str | None:
    """What is not available at the moment; None where time alone mends nothing."""
    place = asked.place
    if code in THROTTLED or status == _TOO_MANY_REQUESTS:
        return f"Amazon, which throttles {place} ({shown(code)}),"
    if code in _SKEWED or (code == "SignatureDoesNotMatch" and words.startswith(_CLOCK_WORDS)):
        return f"Amazon, for which the service's clock is wrong ({shown(code)}), at {place}"
    if code in _EXPIRED and not asked.lasting:
        return f"The token of {asked.identity}, which has expired,"
    if code in _OF_KEYS:
        return None
    if code in _PASSING or passing or status >= _SERVER_ERRORS or not code:
        return f"Amazon, which answered {shown(code) or status} for {place},"
    return None


def _refusal(code: str, shown_code: str, asked: Asked) -> str:
    identity, place = asked.identity, asked.place
    kind = "KMS" if code.startswith("KMS") else _KINDS.get(code, "")
    told = {
        "expired": f"The token of {identity} has expired, so {place} can't be used:"
        " store another one and retry the job",
        "unknown": f"Amazon does not accept {identity} at {place} ({shown_code}):"
        " have them put right and retry the job",
        "forbidden": f"Amazon does not allow {identity} to use {place}:"
        f" grant {asked.right} there and retry the job",
        "missing": f"There is no {place}: create it and retry the job, or name another one",
        "KMS": f"The key that encrypts {place} can't be used ({shown_code}): enable it, let {identity}"
        " use kms:GenerateDataKey* and kms:Decrypt with it, and retry the job",
    }
    otherwise = (
        f"Amazon refuses what it is asked for {place} ({shown_code}): see what it takes, and retry the job"
    )
    return told.get(kind, otherwise)


def shown(text: str) -> str:
    """Printable ASCII of at most 200 characters, so that nobody forges lines of a log."""
    return "".join(character if " " <= character <= "~" else "?" for character in text[:_SHOWN]).strip()
