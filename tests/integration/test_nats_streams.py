"""A subject without responders: without a stream the job fails, with one it continues."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import StreamConfig

from shared.destinations.nats import streams
from shared.destinations.nats.presence import NatsPresence
from shared.destinations.nats.sending import NatsLimits
from shared.domain.errors import BackfillError, DestinationRefused, Unavailable
from tests.fakes.nats_sinks import Subject, nats_server, nats_sink
from tests.fakes.sending import NumberedRows, SteadyPulse

pytestmark = pytest.mark.emulator

ROWS = 2_000  # more than are in flight at once
LIMITS = NatsLimits(least=0.0, in_flight=200)
USERS = """
accounts {
  $SYS {}
  A { jetstream: enabled, users: [
    {user: owner, password: words},
    {user: narrow, password: words, permissions: {publish: ["*.rows"], subscribe: ["_INBOX.>"]}},
  ] }
  B { users: [{user: without, password: words}] }
}
"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a server with a JetStream account, a user who may not query it, and an account without."""
    with nats_server(tmp_path_factory.mktemp("nats"), USERS) as host:
        yield host


def login(user: str) -> Callable[[str, str], bytes]:
    return lambda _organization, _name: json.dumps({"user": user, "password": "words"}).encode()


def removing(subject: Subject) -> NumberedRows:
    """Return rows of which the stream gets only the first: then it is removed."""

    def remove(first_row: int) -> None:
        if first_row >= ROWS // 2 and not removed:
            removed.append(subject.name)
            # In a separate loop, because this one sends.
            with ThreadPoolExecutor(1) as beside:
                beside.submit(
                    subject.ask, lambda client: client.jetstream().delete_stream(subject.name)
                ).result()

    removed: list[str] = []
    return NumberedRows(ROWS, before=remove)


def outcome(subject: Subject, sink: Any, **options: Any) -> BackfillError:
    with pytest.raises((DestinationRefused, Unavailable)) as caught:
        sink.deliver(subject.delivery(ROWS, **options), removing(subject), SteadyPulse())
    error: BackfillError = caught.value
    return error


def test_a_stream_that_was_removed_fails_the_job_and_names_the_subject(nats_host: str) -> None:
    subject = Subject(nats_host)
    error = outcome(subject, nats_sink(limits=LIMITS))
    assert isinstance(error, DestinationRefused)
    assert error.message.startswith(f"No stream holds subject {subject.name}.rows")


def test_a_stream_that_is_there_again_is_tried_again(nats_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For example while its leader changes: it is missing for a moment, and still known."""
    subject, asked = Subject(nats_host), Client.request
    config = StreamConfig(name=subject.name, subjects=[f"{subject.name}.>"])

    async def request(client: Client, name: str, *given: Any, **named: Any) -> Msg:
        if name == "$JS.API.STREAM.NAMES":
            await client.jetstream().add_stream(config)
        return await asked(client, name, *given, **named)

    monkeypatch.setattr(Client, "request", request)
    error = outcome(subject, nats_sink(limits=LIMITS))
    assert isinstance(error, Unavailable)
    assert f"the stream of subject {subject.name}.rows" in error.message


def test_who_may_not_ask_about_streams_is_tried_again_after_acknowledged_rows(
    guarded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_SECONDS", 0.5)
    subject = Subject(guarded, {"user": "owner", "password": "words"})
    error = outcome(subject, nats_sink(login("narrow"), LIMITS), credentials="BUS")
    assert isinstance(error, Unavailable), error
    # If the stream is missing from the first row on, the job treats it as nonexistent.
    delivery = subject.delivery(5, credentials="BUS")
    with pytest.raises(DestinationRefused, match="No stream holds subject"):
        nats_sink(login("narrow")).deliver(delivery, NumberedRows(5), SteadyPulse())


def test_an_account_without_jetstream_is_named(guarded: str) -> None:
    subject = Subject(guarded, {"user": "owner", "password": "words"})
    delivery = subject.delivery(5, credentials="BUS")
    with pytest.raises(DestinationRefused, match="The NATS account has no JetStream"):
        nats_sink(login("without")).deliver(delivery, NumberedRows(5), SteadyPulse())


def test_a_server_without_jetstream_fails_the_job(tmp_path: Path) -> None:
    with nats_server(tmp_path, jetstream=False) as host:
        delivery = Unmade(host).delivery(5)
        with pytest.raises(DestinationRefused, match=r"No stream holds subject|has no JetStream"):
            nats_sink().deliver(delivery, NumberedRows(5), SteadyPulse())


def presence(user: str = "owner") -> NatsPresence:
    return NatsPresence(access=nats_sink(login(user)).access, monotonic=time.monotonic)


def test_a_subject_that_a_stream_holds_is_fit_before_there_are_rows(nats_host: str) -> None:
    presence().require(Subject(nats_host).delivery(0), time.monotonic() + 60)


def test_a_subject_that_no_stream_holds_is_named_before_there_are_rows(nats_host: str) -> None:
    with pytest.raises(DestinationRefused, match="No stream holds subject"):
        presence().require(Unmade(nats_host).delivery(0), time.monotonic() + 60)


def test_credentials_that_may_not_ask_are_no_reason_to_refuse(
    guarded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_SECONDS", 0.5)
    delivery = Unmade(guarded).delivery(0, credentials="BUS")
    presence("narrow").require(delivery, time.monotonic() + 60)
    with pytest.raises(DestinationRefused, match="No stream holds subject"):
        presence("owner").require(delivery, time.monotonic() + 60)


def test_a_server_that_does_not_answer_in_time_tells_nothing(nats_host: str) -> None:
    with pytest.raises(Unavailable):
        presence().require(Subject(nats_host).delivery(0), time.monotonic())


class Unmade(Subject):
    """A subject without a stream."""

    def __post_init__(self) -> None:
        """Send nothing to the server."""
