"""The fields of a webhook."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from shared.destinations.spec import (
    SECRET_PATTERN,
    DestinationName,
    Rules,
    SecretName,
    Spec,
    checked,
    explained,
    refusal,
    whole,
)
from shared.destinations.webhook.headers import (
    MOST_HEADERS,
    MOST_VALUE_LENGTH,
    NAME_PATTERN,
    VALUE_PATTERN,
    check_name,
    check_plain_name,
    name_pattern,
)
from shared.destinations.webhook.openapi import webhook_request
from shared.destinations.webhook.urls import MOST_URL_LENGTH, check_webhook_url, pattern

MOST_BATCH_ROWS = 10_000
MOST_REQUESTS = 16


def _url(text: str, info: ValidationInfo[Rules]) -> str:
    insecure = info.context.insecure_addresses
    return checked("webhook_url", lambda url: check_webhook_url(url, allow_insecure=insecure), text)


def _plain_header(name: str) -> str:
    return checked("header", check_plain_name, name)


def _secret_header(name: str) -> str:
    return checked("header", check_name, name)


def _headers_schema(value: str, *, secret: bool) -> dict[str, Any]:
    return {
        "type": "object",
        "minProperties": 1,
        "maxProperties": MOST_HEADERS,
        "propertyNames": {"type": "string", "pattern": name_pattern(secret=secret)},
        "additionalProperties": {"type": "string", "pattern": value},
    }


HeaderValue = Annotated[
    str,
    StringConstraints(pattern=VALUE_PATTERN),
    explained(
        f"Give a header's value: 1 to {MOST_VALUE_LENGTH:,} printable ASCII characters, without a space at"
        " either end"
    ),
]
_HeaderName = Annotated[
    str,
    StringConstraints(pattern=NAME_PATTERN),
    explained(
        "Give a header's name: 1 to 100 ASCII letters, digits, hyphens and other signs that HTTP allows,"
        " without spaces and colons"
    ),
]
PlainHeader = Annotated[_HeaderName, AfterValidator(_plain_header)]
SecretHeader = Annotated[_HeaderName, AfterValidator(_secret_header)]


def _delivery(value: Any) -> Any:
    if value == "exactly_once":
        reason = "A webhook supports only at_least_once: its receiver drops repeated batches by webhook-id"
        raise refusal("delivery", reason)
    return value


class WebhookDestination(Spec):
    """An HTTPS receiver of batches of rows."""

    type: Literal["webhook"]
    name: DestinationName
    url: Annotated[
        str,
        StringConstraints(max_length=MOST_URL_LENGTH),
        AfterValidator(_url),
        WithJsonSchema({"type": "string", "maxLength": MOST_URL_LENGTH}),
    ] = Field(
        description=(
            "Where requests are sent: https, in printable ASCII, without user information. The host has"
            " public addresses only."
        )
    )
    hash_key: SecretName | None = Field(
        default=None, description="Name of the organization's secret that signs the requests."
    )
    compression: Literal["gzip", "zstd"] | None = Field(
        default=None,
        description=(
            "How bodies are compressed, as in `Content-Encoding`; signatures cover the uncompressed bodies."
        ),
    )
    batch_rows: Annotated[int, Field(ge=1, le=MOST_BATCH_ROWS), BeforeValidator(whole)] | None = Field(
        default=None,
        description="Rows per request; 500 by default, unless the service's operator sets another.",
    )
    max_parallel_requests: Annotated[int, Field(ge=1, le=MOST_REQUESTS), BeforeValidator(whole)] | None = (
        Field(default=None, description="Requests of one chunk that may be in flight at once; 4 by default.")
    )
    headers: (
        Annotated[
            dict[PlainHeader, HeaderValue],
            Field(min_length=1, max_length=MOST_HEADERS),
            WithJsonSchema(_headers_schema(VALUE_PATTERN, secret=False)),
        ]
        | None
    ) = Field(
        default=None,
        description="Headers of each request. Headers that frame or sign a request are not allowed.",
    )
    secret_headers: (
        Annotated[
            dict[SecretHeader, SecretName],
            Field(min_length=1, max_length=MOST_HEADERS),
            WithJsonSchema(_headers_schema(SECRET_PATTERN, secret=True)),
        ]
        | None
    ) = Field(
        default=None,
        description=(
            "Headers of each request whose values are the organization's secrets of these names, such as"
            ' `{"Authorization": "LEDGER_TOKEN"}`.'
        ),
    )
    delivery: Annotated[Literal["at_least_once"], BeforeValidator(_delivery)] | None = Field(
        default=None,
        description="A repeated batch carries the same `webhook-id`: drop batches that you already have.",
    )

    @classmethod
    def between(cls, given: Mapping[str, Any]) -> Iterator[PydanticCustomError]:
        headers = [given.get(field) for field in ("headers", "secret_headers")]
        names = Counter(name.lower() for each in headers if isinstance(each, Mapping) for name in each)
        for name in (name for name, count in names.items() if count > 1):
            yield refusal("header_twice", f"The header {name} is given twice, perhaps in different case")

    @classmethod
    def narrow(cls, schema: dict[str, Any], rules: Rules) -> None:
        schema["properties"]["url"]["pattern"] = pattern(allow_insecure=rules.insecure_addresses)

    @classmethod
    def webhooks(cls) -> Mapping[str, Any]:
        return {"batch": {"post": webhook_request()}}
