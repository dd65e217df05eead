"""What arrives at a topic, and what becomes of a delivery that is stopped, repeated or short of time."""

import json
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.destinations.labels import row_id
from shared.errors import DeliveryStopped, DestinationRefused
from shared.oversized import RowTooLarge
from tests.fakes.faulty_amazon import FaultyAmazon
from tests.fakes.sending import NumberedRows, SteadyPulse, delivery_to
from tests.fakes.sized import SizedRows
from tests.fakes.sns_sinks import ROLE, Queue, Vault, new_topic, now, sns_destination, sns_sink

pytestmark = pytest.mark.emulator

LIMIT = 262_144


@pytest.fixture
def url(amazon: dict[str, Any]) -> str:
    return str(amazon["aws_url"])


def test_each_row_is_a_message_with_its_labels(url: str) -> None:
    topic = new_topic(url)
    delivery = delivery_to(sns_destination(url, topic), 25)
    assert sns_sink().deliver(delivery, NumberedRows(25), SteadyPulse())
    queue = Queue(url, topic)
    found = sorted(zip(queue.rows(), queue.labels(), strict=True), key=lambda pair: pair[0])
    assert found == [
        (row, {"beam-job-id": delivery.job_id, "beam-chunk": "3", "beam-row": str(row)}) for row in range(25)
    ]
    bodies = {message["Body"].encode() for message in queue.messages}
    assert bodies == {line for batch in NumberedRows(25).batches(10) for line in batch.lines()}


def test_a_fifo_topic_keeps_the_order_of_a_chunk_in_one_group(url: str) -> None:
    topic = new_topic(url, fifo=True)
    with FaultyAmazon(url) as front:
        delivery = delivery_to(sns_destination(front.url, topic), 45)
        assert sns_sink().deliver(delivery, NumberedRows(45), SteadyPulse())
        assert front.messages() == [
            [str(row) for row in range(first, min(45, first + 10))] for first in range(0, 45, 10)
        ]
    queue = Queue(url, topic)
    assert queue.rows() == list(range(45))
    assert len({message["Attributes"]["MessageGroupId"] for message in queue.messages}) == 1
    names = [message["Attributes"]["MessageDeduplicationId"] for message in queue.messages]
    assert len(set(names)) == 45
    assert all(len(name) == 64 and row_id(delivery, 0) != name for name in names)


def test_requests_stay_below_the_limit_with_their_attributes(url: str) -> None:
    topic = new_topic(url)
    sizes = [100_000, 100_000, 61_000, 2_000, 200_000, 50, 50]
    with FaultyAmazon(url) as front:
        delivery = delivery_to(sns_destination(front.url, topic), len(sizes))
        assert sns_sink(in_flight=1).deliver(delivery, SizedRows(sizes), SteadyPulse())
        assert front.messages() == [["0", "1", "2"], ["3", "4", "5", "6"]]
    assert sorted(Queue(url, topic).rows()) == list(range(7))


def attributes_size(job_id: str) -> int:
    """Of row 0 to 9 of a chunk below 10."""
    return len("beam-job-id" + "beam-chunk" + "beam-row" + 3 * "String") + len(job_id) + 2


def test_the_largest_row_fits(url: str) -> None:
    topic = new_topic(url)
    delivery = delivery_to(sns_destination(url, topic), 1)
    rows = SizedRows([LIMIT - attributes_size(delivery.job_id)])
    assert sns_sink().deliver(delivery, rows, SteadyPulse())
    assert Queue(url, topic).rows() == [0]


def test_a_larger_one_fails_the_job_by_its_name(url: str) -> None:
    topic = new_topic(url)
    delivery = delivery_to(sns_destination(url, topic), 12)
    sizes = [100] * 10 + [100, LIMIT + 1 - attributes_size(delivery.job_id)]
    with pytest.raises(RowTooLarge) as found:
        sns_sink().deliver(delivery, SizedRows(sizes), SteadyPulse())
    for part in ("Row 11 of chunk 3 (key key-11)", "262,14", topic, "oversized_rows"):
        assert part in found.value.message


def test_a_larger_one_is_left_out_and_counted(url: str) -> None:
    topic, pulse = new_topic(url), SteadyPulse()
    delivery = replace(delivery_to(sns_destination(url, topic), 30), skip_oversized=True)
    sizes = [LIMIT if row in {0, 15, 29} else 100 for row in range(30)]
    assert sns_sink().deliver(delivery, SizedRows(sizes), pulse)
    assert [named.row for named in pulse.skipped.named] == [0, 15, 29]
    assert pulse.checkpoints[-1] == 3
    assert sorted(Queue(url, topic).rows()) == [row for row in range(30) if row not in {0, 15, 29}]


def test_characters_that_xml_does_not_have_arrive_as_escapes(url: str) -> None:
    topic = new_topic(url)
    rows = SizedRows([40])
    rows.texts = ['{"row": 0, "text": "a\ufffe\uffffb & < \U0001f600"}'.encode()]
    assert sns_sink().deliver(delivery_to(sns_destination(url, topic), 1), rows, SteadyPulse())
    (message,) = Queue(url, topic).read()
    assert json.loads(message["Body"])["text"] == "a\ufffe\uffffb & < \U0001f600"


def test_a_cancel_between_batches_stops_it_and_keeps_what_is_acknowledged(url: str) -> None:
    topic, pulse = new_topic(url), SteadyPulse()
    cancelled = DeliveryStopped("the job was cancelled")
    lock = threading.Lock()

    def cancel() -> None:
        with lock:
            if len(front.seen) == 4:
                pulse.reason = cancelled

    with FaultyAmazon(url, on_call=cancel) as front:
        delivery = delivery_to(sns_destination(front.url, topic), 500)
        with pytest.raises(DeliveryStopped):
            sns_sink(in_flight=2).deliver(delivery, NumberedRows(500), pulse)
        assert len(front.seen) <= 6
    assert pulse.checkpoints
    arrived = set(Queue(url, topic).rows())
    assert set(range(pulse.checkpoints[-1] * 10)) <= arrived


def test_a_redelivery_begins_at_its_checkpoint(url: str) -> None:
    topic = new_topic(url)
    delivery = replace(delivery_to(sns_destination(url, topic), 95), first_batch=7)
    assert sns_sink().deliver(delivery, NumberedRows(95), SteadyPulse())
    assert sorted(Queue(url, topic).rows()) == list(range(70, 95))


def test_what_there_is_no_time_for_goes_in_a_message_of_its_own(url: str) -> None:
    topic = new_topic(url)
    passed = 0.0

    def time_passes(first_row: int) -> None:
        nonlocal passed
        passed = 80.0 if first_row == 30 else passed

    pulse = SteadyPulse(seconds=100.0, clock=lambda: passed)
    delivery = delivery_to(sns_destination(url, topic), 95)
    assert not sns_sink(reserve=25.0).deliver(delivery, NumberedRows(95, before=time_passes), pulse)
    assert pulse.checkpoints[-1] == 3
    assert sorted(Queue(url, topic).rows()) == list(range(30))
    rest = replace(delivery, first_batch=3)
    assert sns_sink().deliver(rest, NumberedRows(95), SteadyPulse())
    assert sorted(Queue(url, topic).rows()) == list(range(30, 95))


def test_too_little_time_to_begin_with_sends_nothing(url: str) -> None:
    delivery = delivery_to(sns_destination(url, new_topic(url)), 5)
    assert not sns_sink(least=240.0).deliver(delivery, NumberedRows(5), SteadyPulse(seconds=100))


def test_a_rotated_secret_is_used_by_the_next_delivery(url: str) -> None:
    topic, vault = new_topic(url), Vault()
    with FaultyAmazon(url) as front:
        sink = sns_sink(vault)
        delivery = delivery_to(sns_destination(front.url, topic), 5)
        clients = []
        for key in ("AKIAFIRST", "AKIAFIRST", "AKIASECOND"):
            vault.put(access_key_id=key, secret_access_key="value")
            assert sink.deliver(delivery, NumberedRows(5), SteadyPulse())
            clients.append(next(reversed(sink.accesses._kept.values())).client)
    assert clients[0] is clients[1]
    assert clients[1] is not clients[2]
    assert clients[2]._request_signer._credentials.access_key == "AKIASECOND"  # type: ignore[attr-defined]


def test_a_secrets_role_is_taken_on_and_kept_for_its_hour(url: str) -> None:
    topic, vault, later = new_topic(url), Vault(), [timedelta()]

    def clock() -> datetime:
        return now() + later[0]

    vault.put(access_key_id="AKIA", secret_access_key="value", role_arn=ROLE)
    with FaultyAmazon(url) as front:
        sink = sns_sink(vault, now=clock)
        delivery = delivery_to(sns_destination(front.url, topic), 5)
        for minutes in (0, 40, 50):
            later[0] = timedelta(minutes=minutes)
            assert sink.deliver(delivery, NumberedRows(5), SteadyPulse())
        roles = [call for call in front.seen if call["Action"] == "AssumeRole"]
    assert [call["RoleArn"] for call in roles] == [ROLE, ROLE]
    assert roles[0]["RoleSessionName"] == "org123"


def test_without_a_secret_the_services_own_role_is_taken_on_by_its_token(url: str) -> None:
    topic = new_topic(url)
    with FaultyAmazon(url) as front:
        delivery = delivery_to(sns_destination(front.url, topic, None), 5)
        assert sns_sink(own_role=ROLE).deliver(delivery, NumberedRows(5), SteadyPulse())
        call = front.seen[0]
    assert (call["Action"], call["RoleArn"]) == ("AssumeRoleWithWebIdentity", ROLE)
    assert call["WebIdentityToken"] == "token-for-sts.amazonaws.com"
    assert call["RoleSessionName"] == "org123"
    assert sorted(Queue(url, topic).rows()) == list(range(5))


def test_without_a_role_of_its_own_a_job_needs_credentials(url: str) -> None:
    delivery = delivery_to(sns_destination(url, new_topic(url), None), 5)
    with pytest.raises(DestinationRefused, match="no identity of its own at Amazon"):
        sns_sink().deliver(delivery, NumberedRows(5), SteadyPulse())


def test_another_address_than_amazons_is_refused_without_the_local_switch(url: str) -> None:
    delivery = delivery_to(sns_destination("http://169.254.169.254", new_topic(url)), 5)
    with pytest.raises(DestinationRefused, match="local stack only"):
        sns_sink(insecure=False).deliver(delivery, NumberedRows(5), SteadyPulse())
