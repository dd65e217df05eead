"""The fields of a topic of Amazon SNS."""

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationInfo, WithJsonSchema

from shared.destinations.sns.topic import MOST_ARN_LENGTH, PATTERN, topic_of
from shared.destinations.spec import DestinationName, Rules, SecretName, Spec, checked, refusal

_ENDPOINT = r"[Hh][Tt][Tt][Pp][Ss]?://[A-Za-z0-9._-]+(:[1-9][0-9]{0,4})?/?"
_MOST_PORT = 65_535


def _topic(text: str) -> str:
    return checked("topic_arn", lambda arn: topic_of(arn).arn, text)


def _endpoint(text: str, info: ValidationInfo[Rules]) -> str:
    if not info.context.insecure_addresses:
        reason = "Leave endpoint_url out: the topic's region says where it is"
        raise refusal("endpoint_url", reason)
    if re.fullmatch(_ENDPOINT, text) is None or (urlsplit(text.partition("?")[0]).netloc.count(":") > 1):
        raise refusal("endpoint_url", "Give http:// or https://, a host and a port, and nothing else")
    port = text.rstrip("/").rpartition(":")[2]
    if port.isdecimal() and int(port) > _MOST_PORT:
        raise refusal("endpoint_url", "The port is at most 65535")
    return text


def _delivery(value: Any) -> Any:
    if value == "exactly_once":
        reason = (
            "Amazon SNS has at_least_once only: its readers drop repeated rows by their attributes,"
            " and a .fifo topic drops what comes again within 5 minutes"
        )
        raise refusal("delivery", reason)
    return value


class SnsDestination(Spec):
    """A topic of Amazon SNS, standard or FIFO; each row is a message."""

    type: Literal["sns"]
    name: DestinationName
    topic_arn: Annotated[
        str,
        StringConstraints(max_length=MOST_ARN_LENGTH),
        AfterValidator(_topic),
        WithJsonSchema({"type": "string", "maxLength": MOST_ARN_LENGTH, "pattern": PATTERN}),
    ] = Field(description="The topic's ARN. On a `.fifo` topic the rows of a chunk keep their order.")
    credentials: SecretName | None = Field(
        default=None,
        description=(
            "Name of the organization's secret: a JSON object of `access_key_id` and `secret_access_key`,"
            " and optionally `session_token` and `role_arn`, a role to take on with these. Without it the"
            " service publishes under its own identity, which the topic's policy has to allow."
        ),
    )
    endpoint_url: (
        Annotated[
            str,
            StringConstraints(max_length=2_048),
            AfterValidator(_endpoint),
            WithJsonSchema({"type": "string", "maxLength": 2_048, "pattern": f"^{_ENDPOINT}$"}),
        ]
        | None
    ) = Field(default=None, description="Where to find SNS in Amazon's place: on the local stack only.")
    delivery: Annotated[Literal["at_least_once"], BeforeValidator(_delivery)] | None = Field(
        default=None,
        description=(
            "A row that is sent again carries its old attributes `beam-job-id`, `beam-chunk` and `beam-row`;"
            " on a `.fifo` topic also its old `MessageDeduplicationId`."
        ),
    )

    @classmethod
    def narrow(cls, schema: dict[str, Any], rules: Rules) -> None:
        if not rules.insecure_addresses:
            del schema["properties"]["endpoint_url"]
