"""Chunks as messages of a JetStream subject, with a real NATS server."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from shared.domain.errors import DestinationRefused, RetryLater, Unavailable
from shared.domain.oversized import RowTooLarge
from tests.fakes.nats_sinks import LIMITS, Subject, nats_server, nats_sink
from tests.fakes.secret_manager import rotated, rotating
from tests.fakes.sending import NumberedRows, SteadyPulse
from tests.fakes.sized import SizedRows

pytestmark = pytest.mark.emulator

USERS = """
accounts {
  $SYS {}
  A { jetstream: enabled, users: [
    {user: owner, password: words},
    {user: narrow, password: words, permissions: {publish: ["other.>"], subscribe: [">"]}},
    {user: next, password: words},
  ] }
}
"""


@pytest.fixture
def subject(nats_host: str) -> Subject:
    return Subject(nats_host)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a server with users and passwords."""
    with nats_server(tmp_path_factory.mktemp("nats"), USERS) as host:
        yield host


def secret(text: str) -> Callable[[str, str], bytes]:
    return lambda _organization, _name: text.encode()


def login(user: str, password: str = "words") -> str:  # noqa: S107 - no secret
    return json.dumps({"user": user, "password": password})


def test_a_row_is_a_message_that_names_it_and_is_dropped_when_it_is_repeated(subject: Subject) -> None:
    delivery = subject.delivery(25)
    for _ in range(2):
        assert nats_sink().deliver(delivery, NumberedRows(25), SteadyPulse())
    messages = subject.received()
    assert [json.loads(message.data)["row"] for message in messages] == list(range(25))
    assert messages[7].headers == {
        "Nats-Msg-Id": f"{delivery.job_id}_attempt1_3_bus-uid_7",
        "beam-job-id": delivery.job_id,
        "beam-chunk": "3",
        "beam-row": "7",
    }


def test_a_subject_that_no_stream_holds_fails_the_job_by_its_name(subject: Subject) -> None:
    delivery = subject.delivery(5, subject="nobody.rows")
    with pytest.raises(DestinationRefused, match=r"No stream holds subject nobody\.rows"):
        nats_sink().deliver(delivery, NumberedRows(5), SteadyPulse())


def test_a_row_larger_than_the_server_takes_fails_the_job_by_its_name(subject: Subject) -> None:
    with pytest.raises(
        RowTooLarge, match=r"Row 1 of chunk 3 \(key key-1\) .* max_payload\) takes: 1,048,576"
    ):
        nats_sink().deliver(subject.delivery(3), SizedRows([100, 1_048_576, 100]), SteadyPulse())


def test_a_row_larger_than_the_stream_takes_can_be_left_out(nats_host: str) -> None:
    subject, pulse = Subject(nats_host, stream={"max_msg_size": 1_000}), SteadyPulse()
    with pytest.raises(RowTooLarge, match=r"its max_msg_size\) takes\. Raise that setting"):
        nats_sink().deliver(subject.delivery(3), SizedRows([100, 2_000, 100]), SteadyPulse())
    delivery = replace(subject.delivery(3), skip_oversized=True)
    assert nats_sink().deliver(delivery, SizedRows([100, 2_000, 100]), pulse)
    assert sorted(set(subject.rows())) == [0, 2]
    assert (pulse.skipped.rows, pulse.skipped.named[0].row) == (1, 1)


def test_rows_left_out_count_with_their_numbered_batch_which_the_encoder_divides(subject: Subject) -> None:
    pulse = SteadyPulse()
    sizes = [1_100_000 if row in {3, 9, 19} else 1_000_000 for row in range(20)]
    delivery = replace(subject.delivery(20), skip_oversized=True, batch_rows=10)
    sink = nats_sink(limits=replace(LIMITS, checkpoint=0.0))
    assert sink.deliver(delivery, SizedRows(sizes, flat=True), pulse)
    assert sorted(subject.rows()) == [row for row in range(20) if row not in {3, 9, 19}]
    assert pulse.checkpoints == [1, 2]
    assert [row.row for row in pulse.skipped.named] == [3, 9, 19]


def test_a_stream_that_is_full_may_take_more_later(nats_host: str) -> None:
    subject = Subject(nats_host, stream={"max_msgs": 5, "discard": "new"})
    with pytest.raises(Unavailable, match=f"the stream of subject {subject.name}.rows"):
        nats_sink().deliver(subject.delivery(25), NumberedRows(25), SteadyPulse())


def test_nobody_listening_may_pass(subject: Subject) -> None:
    delivery = subject.delivery(5, servers=["nats://127.0.0.1:9"])
    with pytest.raises(Unavailable, match="NATS"):
        nats_sink().deliver(delivery, NumberedRows(5), SteadyPulse())


def test_the_next_server_is_tried_when_one_does_not_answer(subject: Subject) -> None:
    delivery = subject.delivery(5, servers=["nats://127.0.0.1:9", f"nats://{subject.server}"])
    assert nats_sink().deliver(delivery, NumberedRows(5), SteadyPulse())
    assert subject.rows() == list(range(5))


def test_private_addresses_are_refused_without_the_local_switch(subject: Subject) -> None:
    delivery = subject.delivery(5, servers=[subject.server])
    with pytest.raises(DestinationRefused, match="The NATS server's host does not have a public address"):
        nats_sink(insecure=False).deliver(delivery, NumberedRows(5), SteadyPulse())


def test_a_server_that_does_not_ask_for_tls_gets_no_byte(subject: Subject) -> None:
    delivery = subject.delivery(5, servers=[f"tls://{subject.server}"])
    with pytest.raises(DestinationRefused, match="does not ask for TLS"):
        nats_sink().deliver(delivery, NumberedRows(5), SteadyPulse())
    assert subject.rows() == []


def test_the_word_of_a_mere_subscriber_counts_for_nothing(subject: Subject) -> None:
    async def answer(client: Client) -> None:
        async def say(message: Msg) -> None:
            await message.respond(b'{"ok": true}')

        await client.subscribe("echo.rows", cb=say)
        await client.flush()
        sink = nats_sink(limits=replace(LIMITS, answer=1.0))
        delivery = subject.delivery(5, subject="echo.rows")
        with pytest.raises(Unavailable):
            await asyncio.to_thread(sink.deliver, delivery, NumberedRows(5), SteadyPulse())

    subject.ask(answer)


def test_a_redelivery_goes_on_behind_what_is_acknowledged(subject: Subject) -> None:
    pulse = SteadyPulse()
    delivery = replace(subject.delivery(95), first_batch=5)
    assert nats_sink(limits=replace(LIMITS, checkpoint=0.0)).deliver(delivery, NumberedRows(95), pulse)
    assert subject.rows() == list(range(50, 95))
    assert pulse.checkpoints == [6, 7, 8, 9, 10]


def test_messages_under_way_are_bounded(subject: Subject) -> None:
    limits = replace(LIMITS, in_flight=20, bytes_in_flight=1)
    assert nats_sink(limits=limits).deliver(subject.delivery(200), NumberedRows(200), SteadyPulse())
    assert subject.rows() == list(range(200))


def test_the_rest_goes_in_a_message_of_its_own_when_time_runs_out(subject: Subject) -> None:
    looks = iter(range(1_000))
    pulse = SteadyPulse(seconds=40.0, clock=lambda: float(next(looks)))
    assert not nats_sink().deliver(subject.delivery(1_000), NumberedRows(1_000), pulse)
    assert 0 < pulse.checkpoints[-1] < 100
    rest = replace(subject.delivery(1_000), first_batch=pulse.checkpoints[-1])
    assert nats_sink().deliver(rest, NumberedRows(1_000), SteadyPulse())
    assert sorted(subject.rows()) == list(range(1_000))


def test_credentials_let_in_and_are_read_for_each_delivery(guarded: str) -> None:
    subject = Subject(guarded, {"user": "owner", "password": "words"})
    values = [login("owner"), login("next")]
    sink = nats_sink(lambda _organization, _name: values.pop(0).encode())
    delivery = subject.delivery(20, credentials="BUS")
    assert sink.deliver(delivery, NumberedRows(20), SteadyPulse())
    assert sink.deliver(replace(delivery, chunk=4), NumberedRows(20), SteadyPulse())
    assert subject.rows() == [*range(20), *range(20)]
    assert values == []


def test_a_refusal_of_a_replaced_password_passes(guarded: str) -> None:
    subject = Subject(guarded, {"user": "owner", "password": "words"})
    store = rotated(login("owner", "old"), login("owner"), "BUS")
    sink, delivery = rotating(nats_sink(store), store), subject.delivery(5, credentials="BUS")
    with pytest.raises(RetryLater, match="The secret BUS has been replaced"):
        sink.deliver(delivery, NumberedRows(5), SteadyPulse())
    assert sink.deliver(delivery, NumberedRows(5), SteadyPulse())
    assert subject.rows() == list(range(5))
    store.set({"org123": {"BUS": login("owner", "wrong")}})
    with pytest.raises(DestinationRefused, match="does not accept the credentials of secret BUS"):
        sink.deliver(delivery, NumberedRows(5), SteadyPulse())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (login("owner", "hidden-words"), "does not accept the credentials of secret BUS"),
        (login("narrow"), "may not publish to subject"),
        ("hidden-words", "The secret BUS must be a JSON object of user and password or token"),
        (json.dumps({"user": "hidden-words"}), "The secret BUS must be a JSON object"),
        ("-----BEGIN NATS USER JWT-----\nhidden-words", "The secret BUS is not the text of a .creds file"),
        (
            (
                "-----BEGIN NATS USER JWT-----\nx\n------END NATS USER JWT------\n"
                "-----BEGIN USER NKEY SEED-----\nSUhidden-words\n------END USER NKEY SEED------\n"
            ),
            "The secret BUS is not the text of a .creds file",
        ),
    ],
)
def test_credentials_that_do_not_fail_the_job_by_their_name(guarded: str, text: str, words: str) -> None:
    subject = Subject(guarded, {"user": "owner", "password": "words"})
    with pytest.raises(DestinationRefused, match=words) as told:
        nats_sink(secret(text)).deliver(
            subject.delivery(5, credentials="BUS"), NumberedRows(5), SteadyPulse()
        )
    assert "hidden-words" not in f"{told.value!r}{told.value.detail}{told.value.__cause__!r}"


def test_a_server_that_asks_for_credentials_says_so(guarded: str) -> None:
    subject = Subject(guarded, {"user": "owner", "password": "words"})
    with pytest.raises(DestinationRefused, match="The NATS server asks for credentials"):
        nats_sink().deliver(subject.delivery(5), NumberedRows(5), SteadyPulse())


def test_an_account_without_jetstream_fails_the_job(tmp_path: Path, subject: Subject) -> None:
    with nats_server(tmp_path, "accounts { A { users: [{user: u, password: p}] } }") as host:
        delivery = subject.delivery(5, servers=[f"nats://{host}"], credentials="BUS")
        with pytest.raises(DestinationRefused, match="The NATS account has no JetStream"):
            nats_sink(secret(login("u", "p"))).deliver(delivery, NumberedRows(5), SteadyPulse())
