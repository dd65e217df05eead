"""The field ``format`` of Kafka destinations: how the messages' values are written."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints, Tag, ValidationInfo, WithJsonSchema

from shared.destinations.spec import (
    OBJECT,
    TEXT,
    Rules,
    SecretName,
    Strict,
    by_shape,
    checked,
    explained,
    refusal,
)
from shared.destinations.webhook.urls import MOST_URL_LENGTH, check_webhook_url, pattern

_FORMAT: Final = 'Give "json", or an object of type "avro" and a registry'
_REGISTRY: Final = 'Give an object with the url of your registry, or "default" for the service\'s own'
_PATH: Final = r'/[!"$->@-~]*'  # neither ? nor #: the service appends its own path


def _url(text: str, info: ValidationInfo[Rules]) -> str:
    def check(url: str) -> str:
        if re.search(r"[?#]", url):
            raise ValueError("The URL is the root of the registry's API, without a query or a fragment")
        insecure = info.context.insecure_addresses
        return check_webhook_url(url, allow_insecure=insecure, instead="name a secret in credentials")

    return checked("registry_url", check, text)


def _default(text: str, info: ValidationInfo[Rules]) -> str:
    if not info.context.schema_registry:
        raise refusal("registry", "This service has no schema registry of its own: give the url of yours")
    return text


class SchemaRegistry(Strict):
    """A client's own schema registry, with Confluent's protocol."""

    url: Annotated[
        str,
        StringConstraints(max_length=MOST_URL_LENGTH),
        AfterValidator(_url),
        WithJsonSchema({"type": "string", "maxLength": MOST_URL_LENGTH}),
    ] = Field(
        description=(
            "The root of its API: https, in printable ASCII, without user information, query or fragment."
        )
    )
    credentials: SecretName | None = Field(
        default=None,
        description="Name of the organization's secret, a JSON object of `username` and `password`.",
    )

    @classmethod
    def narrow(cls, schema: dict[str, Any], rules: Rules) -> None:
        schema["properties"]["url"]["pattern"] = pattern(allow_insecure=rules.insecure_addresses, rest=_PATH)


class AvroFormat(Strict):
    """Avro in Confluent's wire format, with a schema that is made of the rows' columns."""

    type: Literal["avro"]
    registry: Annotated[
        Annotated[Literal["default"], explained(_REGISTRY), AfterValidator(_default), Tag(TEXT)]
        | Annotated[SchemaRegistry, Tag(OBJECT)],
        by_shape(_REGISTRY),
    ] = Field(
        description="Where the schema is registered. `default`: the service's own registry, if it has one."
    )

    @classmethod
    def narrow(cls, schema: dict[str, Any], rules: Rules) -> None:
        if not rules.schema_registry:
            registry = schema["properties"]["registry"]
            _default, own = registry.pop("oneOf")
            registry |= own


FORMATS: Final = (AvroFormat, SchemaRegistry)
Format = Annotated[
    Annotated[Literal["json"], explained(_FORMAT), Tag(TEXT)] | Annotated[AvroFormat, Tag(OBJECT)],
    by_shape(_FORMAT),
]
FORMAT: Any = Field(
    default=None,
    description=(
        "How a message's value is written. `json`, the default: one JSON object. An object of `type` `avro`:"
        " Avro, its schema registered once per job under the subject `{topic}-value`."
    ),
)
