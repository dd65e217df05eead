"""Amazon's clients, as this service wants them: no retries of their own, nothing from the surroundings."""

import threading
from typing import TYPE_CHECKING, Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from shared.destinations.sns.identity import Keys

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

_CONNECT_SECONDS = 5.0


class Clients:
    """Builds clients of a region, or of ``endpoint_url`` in its place.

    ``connections`` of a client at once; ``seconds`` that it waits for an answer.
    """

    def __init__(self, *, connections: int, seconds: float) -> None:
        self._connections = connections
        self._seconds = seconds
        self._session: boto3.session.Session | None = None
        self._lock = threading.Lock()

    def sns(self, region: str, endpoint_url: str | None, keys: Keys) -> "SNSClient":
        client: SNSClient = self._client("sns", region, endpoint_url, keys)
        return client

    def sts(self, region: str, endpoint_url: str | None, keys: Keys | None) -> Any:
        """Of the token service; without keys, calls are not signed."""
        return self._client("sts", region, endpoint_url, keys)

    def knows(self, region: str) -> bool:
        """Whether Amazon had this region when the client library was made."""
        with self._lock:
            session = self._ready()
            partitions = session.get_available_partitions()
            return any(
                region in session.get_available_regions("sns", partition_name=name) for name in partitions
            )

    def _client(self, service: Any, region: str, endpoint_url: str | None, keys: Keys | None) -> Any:
        # The stubs lag behind the client's options.
        options: Any = {"ignore_configured_endpoint_urls": True}
        config = Config(
            # The pulse is asked between tries.
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=self._connections,
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=self._seconds,
            tcp_keepalive=True,
            proxies={},
            # Entries are made here, of what is checked already.
            parameter_validation=False,
            # No variable or file of the surroundings leads elsewhere.
            **options,
        )
        if keys is None:
            config = config.merge(Config(signature_version=UNSIGNED))
        with self._lock:
            # A session is for one thread at a time; its clients are for many.
            return self._ready().client(
                service,
                region_name=region,
                endpoint_url=endpoint_url,
                config=config,
                aws_access_key_id=None if keys is None else keys.access_key_id,
                aws_secret_access_key=None if keys is None else keys.secret_access_key,
                aws_session_token=None if keys is None else keys.session_token,
            )

    def _ready(self) -> boto3.session.Session:
        if self._session is None:
            self._session = boto3.session.Session()
        return self._session
