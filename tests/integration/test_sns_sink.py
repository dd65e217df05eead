"""Chunks as messages of an SNS topic, with moto's server."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from shared.destinations.sns.errors import meaning
from shared.destinations.sns.sink import MOST_BYTES
from shared.domain.errors import BackfillError, DestinationRefused, RetryLater, Unavailable
from shared.domain.oversized import RowTooLarge
from tests.fakes.secret_manager import rotated, rotating
from tests.fakes.sending import NumberedRows, SteadyPulse
from tests.fakes.sized import SizedRows
from tests.fakes.sns_sinks import LIMITS, SECRET, SnsTopic, sns_sink

pytestmark = pytest.mark.emulator


@pytest.fixture
def topic(sns_url: str) -> SnsTopic:
    return SnsTopic(sns_url)


def secret(text: str) -> Callable[[str, str], bytes]:
    return lambda _organization, _name: text.encode()


def test_a_row_is_a_message_that_names_it(topic: SnsTopic) -> None:
    delivery = topic.delivery(25)
    assert sns_sink().deliver(delivery, NumberedRows(25), SteadyPulse())
    found = {json.loads(message["Body"])["row"]: message for message in topic.received()}
    assert sorted(found) == list(range(25))
    told = {name: value["StringValue"] for name, value in found[7]["MessageAttributes"].items()}
    assert told == {"beam-job-id": delivery.job_id, "beam-chunk": "3", "beam-row": "7"}


def test_on_a_fifo_topic_a_chunk_is_a_group_and_a_repeated_row_is_dropped(sns_url: str) -> None:
    topic = SnsTopic(sns_url, fifo=True)
    delivery = topic.delivery(25)
    for _ in range(2):
        assert sns_sink().deliver(delivery, NumberedRows(25), SteadyPulse())
    messages = topic.received()
    assert topic.rows() == list(range(25))
    (group,) = {message["Attributes"]["MessageGroupId"] for message in messages}
    assert group == f"{delivery.job_id}_3_events-uid"


def test_a_row_that_is_too_large_fails_the_job_by_its_name(topic: SnsTopic) -> None:
    with pytest.raises(RowTooLarge, match=r"Row 1 of chunk 3 \(key key-1\) has .* more than SNS takes"):
        sns_sink().deliver(topic.delivery(3), SizedRows([100, MOST_BYTES, 100]), SteadyPulse())


def test_such_a_row_can_be_left_out(topic: SnsTopic) -> None:
    pulse = SteadyPulse()
    delivery = replace(topic.delivery(3), skip_oversized=True)
    assert sns_sink().deliver(delivery, SizedRows([100, MOST_BYTES, 100]), pulse)
    assert sorted(topic.rows()) == [0, 2]
    assert pulse.skipped.rows == 1


def test_requests_hold_what_the_service_takes(topic: SnsTopic, monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[tuple[int, int]] = []
    call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]  # untold there

    def counted(self: BaseClient, name: str, arguments: dict[str, Any]) -> Any:
        if name == "PublishBatch":
            entries = arguments["PublishBatchRequestEntries"]
            requests.append((len(entries), sum(len(entry["Message"]) for entry in entries)))
        return call(self, name, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", counted)
    delivery = replace(topic.delivery(28), batch_rows=100)
    assert sns_sink().deliver(delivery, SizedRows([*[100] * 25, *[130_000] * 3]), SteadyPulse())
    assert sorted(topic.rows()) == list(range(28))
    assert sum(count for count, _ in requests) == 28
    assert max(count for count, _ in requests) == 10
    assert max(size for _, size in requests) <= MOST_BYTES


def test_of_a_request_only_what_was_not_taken_is_tried_again(
    topic: SnsTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[list[str]] = []
    call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]  # untold there

    def partly(self: BaseClient, name: str, arguments: dict[str, Any]) -> Any:
        if name != "PublishBatch":
            return call(self, name, arguments)
        entries = arguments["PublishBatchRequestEntries"]
        sent.append([entry["Id"] for entry in entries])
        if len(sent) > 1:
            return call(self, name, arguments)
        refused = [
            {"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in entries[1::2]
        ]
        taken = arguments | {"PublishBatchRequestEntries": entries[::2]}
        return call(self, name, taken) | {"Failed": refused}

    monkeypatch.setattr(BaseClient, "_make_api_call", partly)
    assert sns_sink().deliver(topic.delivery(10), NumberedRows(10), SteadyPulse())
    assert sent == [[str(row) for row in range(10)], ["1", "3", "5", "7", "9"]]
    assert sorted(topic.rows()) == list(range(10))


def test_a_topic_that_is_not_there_fails_the_job_by_its_name(topic: SnsTopic) -> None:
    topic.sns.delete_topic(TopicArn=topic.arn)
    with pytest.raises(DestinationRefused, match=f"There is no topic {topic.arn}"):
        sns_sink().deliver(topic.delivery(5), NumberedRows(5), SteadyPulse())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "5",
        '{"access_key_id": "a"}',
        '{"access_key_id": "a", "secret_access_key": 5}',
        SECRET[:-1] + ', "x": "y"}',
    ],
)
def test_a_malformed_secret_fails_the_job_by_its_name(topic: SnsTopic, text: str) -> None:
    with pytest.raises(DestinationRefused, match="The secret AWS must be a JSON object of") as told:
        sns_sink(secret(text)).deliver(topic.delivery(5), NumberedRows(5), SteadyPulse())
    assert "hidden-words" not in f"{told.value!r}{told.value.detail}{told.value.__cause__!r}"


def test_a_missing_secret_fails_the_job_by_its_name(topic: SnsTopic) -> None:
    def none(_organization: str, name: str) -> bytes:
        raise KeyError(name)

    with pytest.raises(DestinationRefused, match="no secret named AWS"):
        sns_sink(none).deliver(topic.delivery(5), NumberedRows(5), SteadyPulse())


def test_a_rotated_secret_is_used_by_the_next_delivery(topic: SnsTopic) -> None:
    values = [SECRET, SECRET, SECRET.replace("AKIATEST", "AKIANEXT")]
    sink = sns_sink(lambda _organization, _name: values.pop(0).encode())
    delivery = topic.delivery(5)
    clients = [sink.clients.client(delivery) for _ in range(3)]
    assert clients[0] is clients[1]
    assert clients[2] is not clients[1]
    assert clients[2]._get_credentials().access_key == "AKIANEXT"


def test_a_refusal_of_a_replaced_key_passes(topic: SnsTopic, monkeypatch: pytest.MonkeyPatch) -> None:
    call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]  # untold there

    def checked(self: Any, name: str, arguments: dict[str, Any]) -> Any:
        if name == "PublishBatch" and self._get_credentials().access_key != "AKIATEST":
            raise ClientError({"Error": {"Code": "InvalidClientTokenId"}}, name)
        return call(self, name, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", checked)
    store = rotated(SECRET.replace("AKIATEST", "AKIAOLD"), SECRET, "AWS")
    sink, delivery = rotating(sns_sink(store), store), topic.delivery(5)
    with pytest.raises(RetryLater, match="The secret AWS has been replaced"):
        sink.deliver(delivery, NumberedRows(5), SteadyPulse())
    assert sink.deliver(delivery, NumberedRows(5), SteadyPulse())
    assert sorted(topic.rows()) == list(range(5))
    store.set({"org123": {"AWS": SECRET.replace("AKIATEST", "AKIAOTHER")}})
    with pytest.raises(DestinationRefused, match="does not accept the credentials of secret AWS"):
        sink.deliver(delivery, NumberedRows(5), SteadyPulse())


def test_a_role_is_assumed_and_renewed_in_time(topic: SnsTopic) -> None:
    fields = {**json.loads(SECRET), "role_arn": "arn:aws:iam::123456789012:role/backfills"}
    sink = sns_sink(secret(json.dumps(fields)))
    delivery = topic.delivery(5)
    first = sink.clients.client(delivery)
    assert first._get_credentials().access_key != "AKIATEST"
    assert sink.clients.client(delivery) is first
    sink.sleep(51 * 60)
    assert sink.clients.client(delivery) is not first
    assert sink.deliver(delivery, NumberedRows(5), SteadyPulse())
    assert sorted(topic.rows()) == list(range(5))


OWN_ROLE = "arn:aws:iam::210987654321:role/backfills"


def session_of(client: Any, topic: SnsTopic) -> str:
    """Whom Amazon takes the client for."""
    keys = client._get_credentials()
    session = boto3.session.Session(
        keys.access_key, keys.secret_key, aws_session_token=keys.token, region_name="eu-west-1"
    )
    return str(session.client("sts", endpoint_url=topic.url).get_caller_identity()["Arn"])


def test_a_role_of_a_secrets_is_assumed_in_the_organizations_name(topic: SnsTopic) -> None:
    fields = {**json.loads(SECRET), "role_arn": "arn:aws:iam::123456789012:role/publisher"}
    delivery = topic.delivery(5)
    client = sns_sink(secret(json.dumps(fields))).clients.client(delivery)
    expected = f"arn:aws:sts::123456789012:assumed-role/publisher/{delivery.organization_id}"
    assert session_of(client, topic) == expected


@pytest.mark.parametrize(("organization", "session"), [("acme", "acme"), ("a", "a=")])
def test_without_credentials_the_services_own_role_is_taken_on_for_the_organization(
    topic: SnsTopic, organization: str, session: str
) -> None:
    audiences: list[str] = []

    def token(audience: str) -> str:
        audiences.append(audience)
        return "a-token"

    sink = sns_sink(identity_token=token, own_role=OWN_ROLE)
    delivery = replace(topic.delivery(5, credentials=None), organization_id=organization)
    assert sink.deliver(delivery, NumberedRows(5), SteadyPulse())
    assert sorted(topic.rows()) == list(range(5))
    expected = f"arn:aws:sts::210987654321:assumed-role/backfills/{session}"
    assert session_of(sink.clients.client(delivery), topic) == expected
    assert audiences == ["sts.amazonaws.com"]


def test_that_role_is_renewed_in_time_and_never_shared(topic: SnsTopic) -> None:
    sink = sns_sink(own_role=OWN_ROLE)
    delivery = topic.delivery(5, credentials=None)
    other = replace(delivery, organization_id="another")
    first = sink.clients.client(delivery)
    assert sink.clients.client(delivery) is first
    assert session_of(sink.clients.client(other), topic).endswith("/another")
    sink.sleep(44 * 60)
    assert sink.clients.client(delivery) is first
    sink.sleep(2 * 60)
    second = sink.clients.client(delivery)
    assert second._get_credentials().token != first._get_credentials().token


def test_that_role_may_be_gone_since_the_job_was_created(topic: SnsTopic) -> None:
    with pytest.raises(DestinationRefused, match="no identity of its own at Amazon any more"):
        sns_sink().deliver(topic.delivery(5, credentials=None), NumberedRows(5), SteadyPulse())


def test_no_token_may_pass(topic: SnsTopic) -> None:
    def none(_audience: str) -> str:
        raise Unavailable("the service's own identity")

    sink = sns_sink(identity_token=none, own_role=OWN_ROLE)
    with pytest.raises(Unavailable, match="the service's own identity"):
        sink.deliver(topic.delivery(5, credentials=None), NumberedRows(5), SteadyPulse())


def test_few_clients_are_kept(topic: SnsTopic) -> None:
    sink = sns_sink()
    deliveries = [replace(topic.delivery(5), organization_id=f"org-{number}") for number in range(9)]
    clients = [sink.clients.client(delivery) for delivery in deliveries]
    assert sink.clients.client(deliveries[8]) is clients[8]
    assert sink.clients.client(deliveries[1]) is clients[1]
    assert sink.clients.client(deliveries[0]) is not clients[0]


def test_nobody_listening_may_pass(topic: SnsTopic) -> None:
    delivery = topic.delivery(5, endpoint_url="http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="Amazon, for sns events"):
        sns_sink().deliver(delivery, NumberedRows(5), SteadyPulse())


@pytest.mark.parametrize(
    ("code", "status", "kind", "words"),
    [
        ("Throttling", 400, Unavailable, "not available"),
        ("InternalError", 500, Unavailable, "not available"),
        ("", 503, Unavailable, "not available"),
        ("KMSThrottling", 400, Unavailable, "not available"),
        ("RequestTimeTooSkewed", 403, Unavailable, "not available"),
        ("AuthorizationError", 403, DestinationRefused, "may not publish to topic"),
        ("KMSAccessDenied", 400, DestinationRefused, "may not publish to topic"),
        ("InvalidClientTokenId", 403, DestinationRefused, "does not accept the credentials of secret AWS"),
        ("SignatureDoesNotMatch", 403, DestinationRefused, "does not accept the credentials of secret AWS"),
        ("NotFound", 404, DestinationRefused, "There is no topic"),
        ("InvalidParameter", 400, DestinationRefused, "refuses these messages"),
    ],
)
def test_errors_are_sorted(
    topic: SnsTopic, code: str, status: int, kind: type[BackfillError], words: str
) -> None:
    error = meaning(topic.delivery(1).destination, code, status, "their\nwords")
    assert isinstance(error, kind)
    assert words in error.message
    assert "their" not in error.message
    assert error.detail == f"{status} {code}: their?words"


@pytest.mark.parametrize(
    ("credentials", "code", "words"),
    [
        (
            "AWS",
            "AccessDenied",
            "credentials of secret AWS may not assume its role_arn: grant sts:AssumeRole",
        ),
        ("AWS", "ValidationError", "credentials of secret AWS may not assume its role_arn"),
        ("AWS", "InvalidClientTokenId", "does not accept the credentials of secret AWS"),
        (
            None,
            "AccessDenied",
            "does not allow the service to assume its own role: ask the service's operator",
        ),
        (None, "InvalidIdentityToken", "does not allow the service to assume its own role"),
    ],
)
def test_a_role_that_is_refused_is_told_of(
    topic: SnsTopic, credentials: str | None, code: str, words: str
) -> None:
    destination = topic.delivery(1, credentials=credentials).destination
    error = meaning(destination, code, 403, "their words", OWN_ROLE)
    assert isinstance(error, DestinationRefused)
    assert words in error.message
    assert isinstance(meaning(destination, "IDPCommunicationError", 400, "", OWN_ROLE), Unavailable)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("AuthorizationError", "The service's own identity may not publish to topic"),
        ("ExpiredToken", "does not accept the service's own keys"),
    ],
)
def test_the_services_own_identity_is_told_of(topic: SnsTopic, code: str, words: str) -> None:
    error = meaning(topic.delivery(1, credentials=None).destination, code, 403, "")
    assert words in error.message


def test_a_redelivery_goes_on_behind_what_is_acknowledged(topic: SnsTopic) -> None:
    pulse = SteadyPulse()
    delivery = replace(topic.delivery(95), first_batch=5)
    assert sns_sink(limits=replace(LIMITS, checkpoint=0.0)).deliver(delivery, NumberedRows(95), pulse)
    assert sorted(topic.rows()) == list(range(50, 95))
    assert pulse.checkpoints == [6, 7, 8, 9, 10]
