"""What a cluster says while it lets nobody in: librdkafka tells it beside the calls that time out."""

from collections.abc import Callable

from confluent_kafka import KafkaError

from shared.destinations.printable import printable
from shared.domain.errors import BackfillError, DestinationRefused, Unavailable
from shared.steps.sending import ChunkDelivery

# A broker that has just started may not know its users yet: librdkafka tries some times more by then.
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
    """A client's ``error_cb``: keeps what was last said of logging in, and of TLS."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._began = monotonic()
        self._login: KafkaError | None = None
        self._tls: KafkaError | None = None

    def forget(self) -> None:
        """Begin to listen anew."""
        self._began = self._monotonic()
        self._login = self._tls = None

    def hear(self, error: KafkaError) -> None:
        if error.code() in _LOGIN:
            self._login = error
        elif error.code() == KafkaError._SSL:  # noqa: SLF001 - as above
            self._tls = error

    @property
    def lasting(self) -> bool:
        """Whether it was listened to for long enough to believe a complaint."""
        return self._monotonic() - self._began > _PATIENCE

    def meaning(self, delivery: ChunkDelivery) -> BackfillError | None:
        """What to do about the last complaint; None if there was none."""
        if self._login is not None:
            secret = delivery.destination.options.get("credentials")
            told = f"does not take the credentials of secret {secret}" if secret else "asks for credentials"
            return DestinationRefused(
                f"The Kafka cluster {told}: give valid ones and retry the job",
                detail=printable(self._login.str()),
            )
        if self._tls is not None:
            return Unavailable(
                "a trusted TLS connection to the Kafka cluster", detail=printable(self._tls.str())
            )
        return None
