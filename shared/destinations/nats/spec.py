"""The fields of a subject of NATS JetStream."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationInfo

from shared.destinations.hosts import IPV6, PORT
from shared.destinations.spec import DestinationName, Rules, SecretName, Spec, explained, refusal

MOST_SERVERS = 10
SERVER = rf"^((tls|nats)://)?([A-Za-z0-9._-]{{1,253}}|{IPV6})(:{PORT})?$"
# Tokens of letters, digits and a few signs: no wildcard, no empty token, and none of the server's own ($…).
SUBJECT = r"^[A-Za-z0-9_-][A-Za-z0-9_$-]{0,99}(\.[A-Za-z0-9_$-]{1,100}){0,15}$"
_SERVER = "Give tls://host:port or host:port; a port is 1 to 65535, and an IPv6 address is in brackets"
_SUBJECT = (
    "Give a subject without wildcards: up to 16 parts with full stops between, each of 1 to 100 ASCII"
    " letters, digits, hyphens, underscores and $, the first without $ at its beginning"
)


def _server(text: str, info: ValidationInfo[Rules]) -> str:
    if text.startswith("nats://") and not info.context.insecure_addresses:
        raise refusal("server", "Only a local stack accepts servers without TLS: write tls://host:port")
    return text


def _delivery(value: Any) -> Any:
    if value == "exactly_once":
        reason = "NATS supports only at_least_once: a stream drops repeats by Nats-Msg-Id within its window"
        raise refusal("delivery", reason)
    return value


class NatsDestination(Spec):
    """A subject of NATS JetStream, which receives one message per row."""

    type: Literal["nats"]
    name: DestinationName
    servers: Annotated[
        list[Annotated[str, StringConstraints(pattern=SERVER), explained(_SERVER), AfterValidator(_server)]],
        Field(min_length=1, max_length=MOST_SERVERS),
    ] = Field(
        description=(
            "`tls://host:port` or `host:port`, tried in this order. All use TLS, and have public addresses"
            " only."
        )
    )
    subject: Annotated[str, StringConstraints(pattern=SUBJECT), explained(_SUBJECT)] = Field(
        description="The subject; a stream must hold it."
    )
    credentials: SecretName | None = Field(
        default=None,
        description=(
            "Name of the organization's secret: a JSON object of `user` and `password`, of `token`, or of"
            " `creds`, the text of a `.creds` file; or that text alone. For servers with certificates of a"
            " private authority, the object also has `ca` in PEM, or only that without a login."
        ),
    )
    tls_first: bool | None = Field(
        default=None,
        description=(
            "Whether to begin with TLS and not to wait for the server's greeting, for servers with"
            " `handshake_first: true`. `false` is the default, and works with `handshake_first: auto`."
        ),
    )
    delivery: Annotated[Literal["at_least_once"], BeforeValidator(_delivery)] | None = Field(
        default=None,
        description=(
            "A repeated row carries the same `Nats-Msg-Id`, by which the stream drops it within its window,"
            " and the same headers `beam-job-id`, `beam-chunk` and `beam-row`."
        ),
    )

    @classmethod
    def narrow(cls, schema: dict[str, Any], rules: Rules) -> None:
        if not rules.insecure_addresses:
            schema["properties"]["servers"]["items"]["pattern"] = SERVER.replace("(tls|nats)", "tls")
