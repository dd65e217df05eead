"""The fields of a webhook."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationInfo, WithJsonSchema

from shared.destinations.spec import DestinationName, Rules, SecretName, Spec, checked, refusal
from shared.destinations.webhook.openapi import webhook_request
from shared.destinations.webhook.urls import MOST_URL_LENGTH, check_webhook_url, pattern


def _url(text: str, info: ValidationInfo[Rules]) -> str:
    insecure = info.context.insecure_addresses
    return checked("webhook_url", lambda url: check_webhook_url(url, allow_insecure=insecure), text)


def _delivery(value: Any) -> Any:
    if value == "exactly_once":
        reason = "A webhook has at_least_once only: its receiver drops repeated batches by their webhook-id"
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
    ] = Field(description="Where requests are sent: https, in printable ASCII, without user information.")
    hash_key: SecretName | None = Field(
        default=None, description="Name of the organization's secret that signs the requests."
    )
    delivery: Annotated[Literal["at_least_once"], BeforeValidator(_delivery)] | None = Field(
        default=None,
        description="A batch that is sent again carries its old `webhook-id`: drop what you have seen.",
    )

    @classmethod
    def narrow(cls, schema: dict[str, Any], rules: Rules) -> None:
        schema["properties"]["url"]["pattern"] = pattern(allow_insecure=rules.insecure_addresses)

    @classmethod
    def webhooks(cls) -> Mapping[str, Any]:
        return {"batch": {"post": webhook_request()}}
