"""The meaning of NATS servers' and the client's errors for a delivery."""

import ssl
from collections.abc import Sequence

from shared.destinations.printable import printable
from shared.domain.errors import BackfillError, DestinationRefused, Unavailable
from shared.steps.sending import ChunkDelivery

# Servers' errors for rejected credentials. "authentication timeout" is not one of them.
_NOT_TAKEN = (
    "authorization violation",
    "authorizationerror",  # the client's own text
    "authentication expired",
    "authentication revoked",
)
# OpenSSL's reasons if the other side does not answer with TLS.
_NO_TLS = ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE", "UNEXPECTED_MESSAGE")


def meaning_while_connecting(error: Exception, delivery: ChunkDelivery, server: str) -> BackfillError:
    """Return our error for an error while connecting to the server, as the destination names it."""
    detail = _shown(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return DestinationRefused(
            f"The certificate of the NATS server {server} is not trusted"
            f" ({printable(error.verify_message).rstrip('.')}): it must be valid, for this name, and of a"
            " public authority or of the ca in the secret. Mend that and retry the job",
            detail=detail,
        )
    if _is_no_tls(error) and delivery.destination.options.get("tls_first"):
        return DestinationRefused(
            f"The NATS server {server} does not begin with TLS: leave out tls_first, and retry the job",
            detail=detail,
        )
    if any(words in detail.lower() for words in _NOT_TAKEN):
        secret = delivery.destination.options.get("credentials")
        told = f"does not accept the credentials of secret {secret}" if secret else "asks for credentials"
        return DestinationRefused(f"The NATS server {told}: give valid ones and retry the job", detail=detail)
    return Unavailable("NATS", detail=detail)


def is_final(error: Exception, meant: BackfillError) -> bool:
    """Return whether no other server or address is worth a try. A certificate is one server's alone."""
    return isinstance(meant, DestinationRefused) and not isinstance(error, ssl.SSLError)


def worth_most(failures: Sequence[BackfillError]) -> BackfillError:
    """Return one of the errors of all servers: one that may pass, if there is any."""
    passing = [failure for failure in failures if isinstance(failure, Unavailable)]
    return (passing or failures or [Unavailable("NATS")])[0]


def meaning(error: Exception, delivery: ChunkDelivery) -> BackfillError:
    """Return our error for an error of an established connection. Rejected credentials may have been replaced
    in the meantime, so the next delivery reads them again. If they are still rejected, its connecting fails.
    """
    detail = _shown(error)
    if "permissions violation" in detail.lower():
        subject = delivery.destination.options["subject"]
        return DestinationRefused(
            f"The credentials may not publish to subject {subject}: grant that, and subscribing to _INBOX.>,"
            " and retry the job",
            detail=detail,
        )
    return Unavailable("NATS", detail=detail)


def _is_no_tls(error: Exception) -> bool:
    return isinstance(error, ssl.SSLError) and error.reason in _NO_TLS


def _shown(error: Exception) -> str:
    return printable(f"{type(error).__name__}: {error}")
