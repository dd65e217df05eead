"""The contract's rules for topics of Amazon SNS in a create request."""

from typing import Any

import pytest

from shared.web.app import BACKFILLS
from tests.fakes.web import Service, backfill

ARN = "arn:aws:sns:eu-west-1:123456789012:rows"


def sns(**fields: Any) -> dict[str, Any]:
    return {"type": "sns", "name": "topic", "topic_arn": ARN, **fields}


@pytest.fixture
def service() -> Service:
    return Service()


def fault(service: Service, **fields: Any) -> dict[str, Any]:
    """The only fault of a request with such a destination."""
    (found,) = service.faults(backfill(destinations=[sns(**fields)]))
    return dict(found)


def test_it_is_echoed_as_it_was_given(service: Service) -> None:
    given = sns(credentials="AWS_KEYS", delivery="at_least_once")
    service.created(backfill(destinations=[given, sns(name="own")]))
    (item,) = service.call("GET", BACKFILLS).get_json()
    assert all(one.pop("uid") for one in item["destinations"])
    assert item["destinations"] == [given, sns(name="own")]


@pytest.mark.parametrize(
    "arn",
    [
        ARN + ".fifo",
        "arn:aws:sns:ap-southeast-10:000000000000:a-B_9",
        "arn:aws:sns:ca-central-1:123456789012:rows",
        "arn:aws-cn:sns:cn-north-1:123456789012:rows",
        "arn:aws-us-gov:sns:us-gov-west-1:123456789012:rows.fifo",
        "arn:aws:sns:eu-west-1:123456789012:" + "x" * 256,
    ],
)
def test_a_topic_is_told_by_its_arn(service: Service, arn: str) -> None:
    service.created(backfill(destinations=[sns(topic_arn=arn)]))


@pytest.mark.parametrize(
    "arn",
    [
        *("", "rows", "arn:aws:sqs:eu-west-1:123456789012:rows", "ARN:aws:sns:eu-west-1:123456789012:rows"),
        *("arn:aws:sns:eu-west-1:12345678901:rows", "arn:aws:sns:eu-west-1::rows", ARN + "\n", " " + ARN),
        *("arn:aws:sns:cn-north-1:123456789012:rows", "arn:aws-cn:sns:eu-west-1:123456789012:rows"),
        *("arn:aws:sns:us-gov-west-1:123456789012:rows", "arn:aws-iso:sns:us-iso-east-1:123456789012:rows"),
        *("arn:aws:sns:evil.example.com/:123456789012:rows", "arn:aws:sns:@a-b-1:123456789012:rows"),
        *("arn:aws:sns:eu-west-1:123456789012:a b", "arn:aws:sns:eu-west-1:123456789012:rows.fif"),
        *("arn:aws:sns:eu-west-1:123456789012:" + "x" * 257, ARN + ":a-subscription", None, 5, [ARN]),
    ],
)
def test_any_other_arn_is_refused(service: Service, arn: Any) -> None:
    assert fault(service, topic_arn=arn)["loc"] == ["body", "destinations", 0, "topic_arn"]


def test_the_topic_is_required(service: Service) -> None:
    (found,) = service.faults(backfill(destinations=[{"type": "sns", "name": "topic"}]))
    assert found["loc"] == ["body", "destinations", 0, "topic_arn"]


def test_exactly_once_is_not_to_be_had(service: Service) -> None:
    found = fault(service, delivery="exactly_once")
    assert found["loc"] == ["body", "destinations", 0, "delivery"]
    assert "at_least_once only" in found["msg"]


@pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 65, 5, {"access_key_id": "AKIA"}])
def test_credentials_name_a_secret(service: Service, name: Any) -> None:
    assert fault(service, credentials=name)["loc"] == ["body", "destinations", 0, "credentials"]


@pytest.mark.parametrize("field", ["url", "region", "access_key_id", "key_column", "topic"])
def test_unknown_fields_are_refused(service: Service, field: str) -> None:
    assert fault(service, **{field: "x"})["loc"] == ["body", "destinations", 0, field]


@pytest.mark.parametrize("url", ["https://sns.eu-west-1.amazonaws.com", "http://127.0.0.1:5000"])
def test_an_endpoint_needs_the_local_switch(service: Service, url: str) -> None:
    found = fault(service, endpoint_url=url)
    assert found["loc"] == ["body", "destinations", 0, "endpoint_url"]
    assert "Leave endpoint_url out" in found["msg"]
    Service(allow_insecure_destinations=True).created(backfill(destinations=[sns(endpoint_url=url)]))


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1", "127.0.0.1:5000", "http://u:p@host", "http://host/path", "http://h:99999", ""]
)
def test_an_endpoint_is_a_host_and_a_port(url: str) -> None:
    local = Service(allow_insecure_destinations=True)
    assert fault(local, endpoint_url=url)["loc"] == ["body", "destinations", 0, "endpoint_url"]


def test_all_faults_are_told_at_once(service: Service) -> None:
    found = service.faults(
        backfill(destinations=[sns(topic_arn="x", credentials="a b", delivery="once", endpoint_url="y")])
    )
    assert {fault["loc"][-1] for fault in found} == {"topic_arn", "credentials", "delivery", "endpoint_url"}


@pytest.mark.parametrize("insecure", [False, True])
def test_the_document_has_the_endpoint_only_with_the_switch(*, insecure: bool) -> None:
    service = Service(allow_insecure_destinations=insecure)
    schema = service.api.openapi["components"]["schemas"]["SnsDestination"]
    assert ("endpoint_url" in schema["properties"]) is insecure
