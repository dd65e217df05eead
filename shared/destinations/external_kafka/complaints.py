"""Login and TLS errors of a cluster. librdkafka reports them in a callback, while the calls only time out."""

from collections.abc import Callable

from confluent_kafka import KafkaError

from shared.destinations.printable import printable
from shared.domain.errors import BackfillError, DestinationRefused, Unavailable
from shared.steps.sending import ChunkDelivery

# A broker that has just started may not know its users yet. librdkafka retries several times in this period.
_PATIENCE = 4.0  # seconds
_LOGIN = frozenset(
    {
        KafkaError._AUTHENTICATION,  # noqa: SLF001 - the public name of librdkafka's own error codes
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
        KafkaError.ILLEGAL_SASL_STATE,
    }
)


class Complaints:
    """A client's ``error_cb``: keeps the last errors of login and TLS."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._began = monotonic()
        self._login: KafkaError | None = None
        self._tls: KafkaError | None = None

    def forget(self) -> None:
        """Forget earlier errors."""
        self._began = self._monotonic()
        self._login = self._tls = None

    def hear(self, error: KafkaError) -> None:
        if error.code() in _LOGIN:
            self._login = error
        elif error.code() == KafkaError._SSL:  # noqa: SLF001 - as above
            self._tls = error

    @property
    def lasting(self) -> bool:
        """Return whether the errors have lasted long enough to count as permanent."""
        return self._monotonic() - self._began > _PATIENCE

    def meaning(self, delivery: ChunkDelivery) -> BackfillError | None:
        """Return our error for the last complaint, or None."""
        if self._login is not None:
            secret = delivery.destination.options.get("credentials")
            told = f"does not accept the credentials of secret {secret}" if secret else "asks for credentials"
            return DestinationRefused(
                f"The Kafka cluster {told}: give valid ones and retry the job",
                detail=printable(self._login.str()),
            )
        if self._tls is not None:
            return Unavailable(
                "a trusted TLS connection to the Kafka cluster", detail=printable(self._tls.str())
            )
        return None
