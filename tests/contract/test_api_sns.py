"""The fields of an SNS topic as a destination: accepted and returned as given, or refused by their place."""

from typing import Any

import pytest

from shared.web.routes import BACKFILLS
from tests.fakes.web import Service, backfill

ARN = "arn:aws:sns:eu-west-1:123456789012:rows"


@pytest.fixture
def service() -> Service:
    return Service()


def events(**changes: Any) -> dict[str, Any]:
    return {"type": "sns", "name": "events", "topic_arn": ARN, "credentials": "AWS_KEYS"} | changes


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"topic_arn": f"{ARN}.fifo", "delivery": "at_least_once"},
        {"topic_arn": "arn:aws-us-gov:sns:us-gov-west-1:123456789012:A_b-c"},
        {"topic_arn": "arn:aws-cn:sns:cn-north-1:123456789012:x"},
    ],
)
def test_taken_and_echoed_as_given(service: Service, options: dict[str, Any]) -> None:
    job_id = service.created(backfill(destinations=[events(**options)]))
    (shown,) = service.call("GET", f"{BACKFILLS}/{job_id}").get_json()["destinations"]
    assert {name: value for name, value in shown.items() if name not in {"uid", "state"}} == events(**options)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        *(
            ({"topic_arn": arn}, "topic_arn")
            for arn in (
                *("", "rows", 5, f"{ARN}:x", f"{ARN}.fifo.fifo", f"{ARN} ", ARN.replace("sns", "sqs")),
                *(ARN.replace("eu-west-1", region) for region in ("", "evil.example.com", "eu-west-1/x")),
                *(ARN.replace("123456789012", "1"), ARN.replace("arn:aws:", "arn:evil:")),
            )
        ),
        ({"credentials": "a-b"}, "credentials"),
        ({"credentials": ""}, "credentials"),
        ({"credentials": {"access_key_id": "x"}}, "credentials"),
        ({"endpoint_url": "http://127.0.0.1:5000"}, "endpoint_url"),
        ({"delivery": "exactly_once"}, "delivery"),
        ({"url": "https://example.com"}, "url"),
    ],
)
def test_anything_else_is_refused_by_its_place(service: Service, options: dict[str, Any], field: str) -> None:
    (fault,) = service.faults(backfill(destinations=[events(**options)]))
    assert fault["loc"] == ["body", "destinations", 0, field]


ROLE = "arn:aws:iam::210987654321:role/backfills"


def without_credentials(**changes: Any) -> dict[str, Any]:
    return backfill(destinations=[{"type": "sns", "name": "events", "topic_arn": ARN} | changes])


@pytest.mark.parametrize("options", [{}, {"credentials": None}])
def test_without_credentials_the_service_needs_an_identity_of_its_own(
    service: Service, options: dict[str, Any]
) -> None:
    (fault,) = service.faults(without_credentials(**options))
    assert fault["loc"] == ["body", "destinations", 0, "credentials"]
    assert fault["msg"] == "Field required: this service has no identity of its own at Amazon"
    own = Service(aws_role_arn=ROLE)
    job_id = own.created(without_credentials(**options))
    (shown,) = own.call("GET", f"{BACKFILLS}/{job_id}").get_json()["destinations"]
    assert "credentials" not in shown


def test_that_identity_is_none_in_another_partition() -> None:
    service = Service(aws_role_arn=ROLE)
    topic = {"topic_arn": "arn:aws-cn:sns:cn-north-1:123456789012:x"}
    (fault,) = service.faults(without_credentials(**topic))
    assert fault["loc"] == ["body", "destinations", 0, "credentials"]
    assert fault["msg"] == "Field required: the service's own identity is in aws, the topic is not"
    service.created(without_credentials(**topic, credentials="AWS_KEYS"))
    (fault,) = service.faults(without_credentials(topic_arn="rows"))
    assert fault["loc"] == ["body", "destinations", 0, "topic_arn"]


@pytest.mark.parametrize("role", ["", ROLE])
def test_the_document_requires_credentials_where_they_are(role: str) -> None:
    schema = Service(aws_role_arn=role).api.openapi["components"]["schemas"]["SnsDestination"]
    assert ("credentials" in schema["required"]) is not bool(role)
    assert ("type" in schema["properties"]["credentials"]) is not bool(role)


def test_another_endpoint_needs_the_local_switch() -> None:
    local = Service(allow_insecure_destinations=True)
    local.created(backfill(destinations=[events(endpoint_url="http://127.0.0.1:5000")]))
    schemas = {name: Service(allow_insecure_destinations=name).api.openapi for name in (True, False)}
    for insecure, document in schemas.items():
        fields = document["components"]["schemas"]["SnsDestination"]["properties"]
        assert ("endpoint_url" in fields) is insecure
