"""What goes wrong at Amazon, and whether it may pass."""

from collections import deque
from typing import Any

import pytest

from shared.errors import BackfillError, DestinationRefused, RetryLater, Unavailable
from tests.fakes.faulty_amazon import CUT, HANG, Answer, FaultyAmazon, Partly, Script, error
from tests.fakes.sending import NumberedRows, SteadyPulse, delivery_to
from tests.fakes.sns_sinks import KEYS, ROLE, Queue, Vault, new_topic, sns_destination, sns_sink

pytestmark = pytest.mark.emulator


@pytest.fixture
def url(amazon: dict[str, Any]) -> str:
    return str(amazon["aws_url"])


def failing(
    url: str, always: Script, vault: Vault | None = None, *, action: str = "PublishBatch", **options: Any
) -> tuple[BackfillError, FaultyAmazon, str]:
    """What is raised of a delivery of 5 rows; what was asked; the topic's name."""
    topic = new_topic(url)
    with FaultyAmazon(url, action=action, always=always) as front:
        delivery = delivery_to(sns_destination(front.url, topic), 5)
        with pytest.raises(BackfillError) as found:
            sns_sink(vault, **options).deliver(delivery, NumberedRows(5), SteadyPulse())
    raised = found.value
    assert raised.__cause__ is None or isinstance(raised.__cause__, KeyError)
    assert len(raised.detail) <= 200
    assert raised.detail.isascii()
    for value in KEYS.values():
        assert value not in f"{raised.message} {raised.detail} {raised!r}"
    return raised, front, topic


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (error("AuthorizationError", 403), "grant sns:Publish"),
        (error("AccessDenied", 403), "credentials in secret AWS_KEYS"),
        (error("NotFound", 404, "Topic does not exist"), "There is no topic"),
        (error("InvalidParameter"), "refuses what it is asked for"),
        (error("KMSAccessDenied"), "kms:GenerateDataKey"),
        (error("KMSDisabled"), "key that encrypts"),
        (error("KMSNotFound"), "key that encrypts"),
        (error("InvalidClientTokenId", 403), "does not accept the credentials in secret AWS_KEYS"),
        (error("SignatureDoesNotMatch", 403), "does not accept"),
        (error("ExpiredToken", 403), "has expired"),
        (Partly(2, "InvalidParameter", sender_fault=True), "refuses what it is asked for"),
        (Partly(0, "KMSDisabled", sender_fault=True), "key that encrypts"),
    ],
)
def test_what_never_passes_fails_the_job_with_the_topics_name(url: str, answer: Script, words: str) -> None:
    raised, front, topic = failing(url, answer)
    assert isinstance(raised, DestinationRefused)
    assert words in raised.message
    assert f":{topic}" in raised.message
    assert len(front.seen) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (error("Throttling"), "throttles"),
        (error("KMSThrottling"), "throttles"),
        (error("Whatever", 429), "throttles"),
        (error("InternalError", 500), "InternalError"),
        (error("Unheard", 503), "Unheard"),
        (Answer(502, "<html>bad gateway</html>"), "not available"),
        (Answer(200, "no XML"), "endpoint"),
        (error("RequestExpired"), "clock is wrong"),
        (
            error("SignatureDoesNotMatch", 403, "Signature expired: 2026 is now earlier than"),
            "clock is wrong",
        ),
        (CUT, "endpoint"),
        (Partly(0, "InternalError"), "InternalError"),
        (Partly(0, "KMSThrottling", sender_fault=True), "throttles"),
    ],
)
def test_what_may_pass_is_tried_again_with_pauses(url: str, answer: Script, words: str) -> None:
    pauses: list[float] = []
    raised, front, topic = failing(url, answer, tries=3, pauses=pauses)
    assert isinstance(raised, Unavailable)
    assert words in raised.message
    assert topic in raised.message
    assert len(front.seen) == 3
    assert sum(pauses) == pytest.approx(0.7 * (0.25 + 0.5), abs=0.1)


def test_a_server_that_hangs_is_given_up(url: str) -> None:
    raised, front, _ = failing(url, HANG, tries=2, request=0.5)
    assert isinstance(raised, Unavailable)
    assert raised.detail == "ReadTimeoutError"
    assert len(front.seen) == 2


def test_nobody_there_is_unavailable() -> None:
    delivery = delivery_to(sns_destination("http://127.0.0.1:9", "rows"), 5)
    with pytest.raises(Unavailable, match="endpoint"):
        sns_sink(tries=2).deliver(delivery, NumberedRows(5), SteadyPulse())


def test_only_what_failed_of_a_request_is_sent_again(url: str) -> None:
    topic = new_topic(url)
    script: deque[Script] = deque([Partly(7, "InternalError"), Partly(1, "Throttling"), error("Throttling")])
    with FaultyAmazon(url, script=script) as front:
        delivery = delivery_to(sns_destination(front.url, topic), 10)
        assert sns_sink().deliver(delivery, NumberedRows(10), SteadyPulse())
        ids = [str(row) for row in range(10)]
        assert front.messages() == [ids, ids[7:], ids[8:], ids[8:]]
    assert sorted(Queue(url, topic).rows()) == [8, 9]


def test_a_message_that_the_answer_leaves_out_is_sent_again(url: str) -> None:
    topic = new_topic(url)
    nothing = '<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult/>'
    script: deque[Script] = deque([Answer(200, nothing + "</PublishBatchResponse>")])
    with FaultyAmazon(url, script=script) as front:
        delivery = delivery_to(sns_destination(front.url, topic), 5)
        assert sns_sink().deliver(delivery, NumberedRows(5), SteadyPulse())
        assert len(front.seen) == 2


def test_a_fifo_message_keeps_its_deduplication_id_on_every_try(url: str) -> None:
    topic = new_topic(url, fifo=True)
    script: deque[Script] = deque([CUT, error("InternalError", 500)])
    with FaultyAmazon(url, script=script) as front:
        delivery = delivery_to(sns_destination(front.url, topic), 5)
        assert sns_sink().deliver(delivery, NumberedRows(5), SteadyPulse())
        tries = [
            sorted(value for name, value in call.items() if name.endswith("MessageDeduplicationId"))
            for call in front.seen
        ]
    assert len(tries) == 3
    assert tries[0] == tries[1] == tries[2]


def test_a_roles_expired_token_is_replaced_by_the_next_delivery(url: str) -> None:
    topic, vault = new_topic(url), Vault()
    vault.put(**KEYS, role_arn=ROLE)
    with FaultyAmazon(url, script=deque([error("ExpiredToken", 403)])) as front:
        sink = sns_sink(vault)
        delivery = delivery_to(sns_destination(front.url, topic), 5)
        with pytest.raises(RetryLater, match="expired"):
            sink.deliver(delivery, NumberedRows(5), SteadyPulse())
        assert sink.deliver(delivery, NumberedRows(5), SteadyPulse())
        actions = [call["Action"] for call in front.seen]
    assert actions == ["AssumeRole", "PublishBatch"] * 2


def test_a_role_that_is_not_given_fails_the_job_with_its_name(url: str) -> None:
    vault = Vault()
    vault.put(**KEYS, role_arn=ROLE)
    raised, _, _ = failing(url, error("AccessDenied", 403), vault, action="AssumeRole")
    assert isinstance(raised, DestinationRefused)
    assert f"role {ROLE}" in raised.message
    assert "grant sts:AssumeRole" in raised.message


def test_words_that_quote_what_was_signed_are_not_repeated(url: str) -> None:
    said = error("SignatureDoesNotMatch", 403, f"The canonical string was {KEYS['secret_access_key']}")
    raised, _, _ = failing(url, said)
    assert raised.detail == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "no secret named AWS_KEYS"),
        (b"\xff", "not text in UTF-8"),
        (b"canary-of-the-secret-key", "JSON object of access_key_id and secret_access_key"),
        (b'{"access_key_id": "a"}', "JSON object of access_key_id and secret_access_key"),
        (b'{"access_key_id": "a", "secret_access_key": ""}', "empty or no printable ASCII"),
        (b'{"access_key_id": "a\\r\\nb", "secret_access_key": "b"}', "empty or no printable ASCII"),
        (b'{"access_key_id": "a", "secret_access_key": "b", "role_arn": "me"}', "not the ARN of a role"),
    ],
)
def test_a_secret_of_no_use_fails_the_job_with_its_name(url: str, value: bytes | None, words: str) -> None:
    vault = Vault({} if value is None else {"AWS_KEYS": value})
    raised, front, _ = failing(url, CUT, vault)
    assert isinstance(raised, DestinationRefused)
    assert words in raised.message
    assert "AWS_KEYS" in raised.message
    assert front.seen == []
