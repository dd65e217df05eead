"""The fields of a topic of an external Kafka cluster."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo

from shared.destinations.external_kafka.servers import MOST_SERVERS, SERVERS
from shared.destinations.kafka.format import FORMAT, FORMATS, Format
from shared.destinations.spec import (
    ColumnName,
    DestinationName,
    Parts,
    Rules,
    SecretName,
    Spec,
    explained,
    refusal,
)

# Neither "." nor "..", nor one of Kafka's own, which begin with two underscores.
_ANY = "[A-Za-z0-9._-]"
TOPIC = (
    rf"^([A-Za-z0-9-]{_ANY}{{0,248}}|_([A-Za-z0-9.-]{_ANY}{{0,247}})?"
    rf"|\.[A-Za-z0-9_-]{_ANY}{{0,247}}|\.\.{_ANY}{{1,247}})$"
)
_TOPIC = (
    "Give a topic's name: up to 249 ASCII letters, digits, full stops, hyphens and underscores, neither . nor"
    " .. nor with two underscores at the beginning"
)
_SERVERS = (
    f"Give host:port, up to {MOST_SERVERS} of them with commas and no spaces between; a port is 1 to 65535,"
    " and an IPv6 address is in brackets"
)
_PLAIN = ("PLAINTEXT", "SASL_PLAINTEXT")


def _protocol(text: str, info: ValidationInfo[Rules]) -> str:
    if text in _PLAIN and not info.context.insecure_addresses:
        raise refusal("security_protocol", "Only a local stack accepts brokers without TLS: SASL_SSL or SSL")
    return text


class ExternalKafkaDestination(Spec):
    """A topic of an external Kafka cluster. It must exist, and the service never deletes it."""

    type: Literal["external_kafka"]
    name: DestinationName
    bootstrap_servers: Annotated[str, StringConstraints(pattern=SERVERS), explained(_SERVERS)] = Field(
        description=(
            "`host:port,…`: up to 10 brokers, from which the service finds the others. All use TLS, and have"
            " public addresses only."
        )
    )
    topic: Annotated[str, StringConstraints(pattern=TOPIC), explained(_TOPIC)] = Field(
        description="The topic, which must exist."
    )
    security_protocol: (
        Annotated[Literal["SASL_SSL", "SSL", "SASL_PLAINTEXT", "PLAINTEXT"], AfterValidator(_protocol)] | None
    ) = Field(
        default=None,
        description="`SASL_SSL` is the default. Only a local stack accepts `SASL_PLAINTEXT` and `PLAINTEXT`.",
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = Field(
        default=None, description="How the service logs in under SASL; `PLAIN` is the default."
    )
    credentials: SecretName | None = Field(
        default=None,
        description=(
            "Required with SASL. Name of the organization's secret, a JSON object. For SASL: `username` and"
            " `password`, with OAUTHBEARER also `token_endpoint` and optionally `scope`. For client"
            " certificates: `certificate` and `private_key` in PEM. For brokers with certificates of a"
            " private authority: `ca` in PEM, with `SSL` also alone."
        ),
    )
    key_column: ColumnName | None = Field(
        default=None,
        description="The table's column that holds the message keys; by default the table's own key column.",
    )
    format: Format | None = FORMAT
    delivery: Literal["exactly_once", "at_least_once"] | None = Field(
        default=None,
        description=(
            "`exactly_once` is the default: a transaction for each chunk, for readers with"
            " `isolation.level=read_committed`. Without support or permission for transactions, the job"
            " fails: choose `at_least_once` then, and recognize repeated rows by the headers `beam-job-id`,"
            " `beam-chunk` and `beam-row`."
        ),
    )

    @classmethod
    def parts(cls) -> Parts:
        return FORMATS

    @classmethod
    def narrow(cls, schema: dict[str, Any], rules: Rules) -> None:
        if not rules.insecure_addresses:
            protocol, _null = schema["properties"]["security_protocol"]["anyOf"]
            protocol["enum"] = [name for name in protocol["enum"] if name not in _PLAIN]
