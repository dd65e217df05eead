"""The fields of a topic of Amazon SNS."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationInfo

from shared.destinations.spec import DestinationName, Rules, SecretName, Spec, explained, refusal

ARN = (
    r"^arn:(aws|aws-cn|aws-us-gov):sns:[a-z]{2}(-[a-z]{2,10}){1,3}-[0-9]{1,2}:[0-9]{12}:"
    r"[A-Za-z0-9_-]{1,251}(\.fifo)?$"
)
ENDPOINT = r"^https?://[A-Za-z0-9.:-]{1,200}/?$"
_ARN = "Give a topic's ARN: arn:aws:sns:REGION:ACCOUNT:TOPIC, the account's number with 12 digits"
_ENDPOINT = "Give http://host:port or https://host:port; only a local stack accepts this field"


def _endpoint(url: str, info: ValidationInfo[Rules]) -> str:
    if not info.context.insecure_addresses:
        raise refusal("endpoint_url", "Only a local stack accepts an endpoint other than Amazon's")
    return url


def _credentials(name: str | None, info: ValidationInfo[Rules]) -> str | None:
    if name is not None:
        return name
    role = info.context.aws_role_arn
    if not role:
        reason = "Field required: this service has no identity of its own at Amazon"
        raise refusal("credentials", reason)
    # The topic's own field reports an invalid topic.
    if (topic := info.data.get("topic_arn")) and _partition(topic) != _partition(role):
        reason = f"Field required: the service's own identity is in {_partition(role)}, the topic is not"
        raise refusal("credentials", reason)
    return None


def _partition(arn: str) -> str:
    return arn.split(":")[1]


def _delivery(value: Any) -> Any:
    if value == "exactly_once":
        reason = "SNS supports only at_least_once: subscribers drop repeated rows by their attributes"
        raise refusal("delivery", reason)
    return value


class SnsDestination(Spec):
    """A topic of Amazon SNS, which receives one message per row."""

    type: Literal["sns"]
    name: DestinationName
    topic_arn: Annotated[str, StringConstraints(pattern=ARN), explained(_ARN)] = Field(
        description="`arn:aws:sns:…`; on a `.fifo` topic a chunk is a group, and a repeated row is dropped."
    )
    credentials: Annotated[SecretName | None, AfterValidator(_credentials)] = Field(
        default=None,
        validate_default=True,
        description=(
            "Name of the organization's secret: a JSON object of `access_key_id` and `secret_access_key`, and"
            " optionally `session_token` or `role_arn`, a role to assume. Without it the service publishes"
            " with its own identity, if it has one at Amazon."
        ),
    )
    endpoint_url: (
        Annotated[str, StringConstraints(pattern=ENDPOINT), explained(_ENDPOINT), AfterValidator(_endpoint)]
        | None
    ) = Field(default=None, description="Only a local stack accepts this field.")
    delivery: Annotated[Literal["at_least_once"], BeforeValidator(_delivery)] | None = Field(
        default=None,
        description=(
            "A repeated row carries the same attributes `beam-job-id`, `beam-chunk` and `beam-row`: drop rows"
            " that you have already seen."
        ),
    )

    @classmethod
    def narrow(cls, schema: dict[str, Any], rules: Rules) -> None:
        if not rules.insecure_addresses:
            del schema["properties"]["endpoint_url"]
        if not rules.aws_role_arn:
            schema["required"].append("credentials")
            credentials = schema["properties"]["credentials"]
            del credentials["default"]
            credentials |= credentials.pop("anyOf")[0]
