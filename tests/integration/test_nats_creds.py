"""NATS servers of an operator, whose users log in with the text of a ``.creds`` file."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from nats.aio.client import RawCredentials

from shared.domain.errors import DestinationRefused
from tests.fakes.nats_sinks import Subject, nats_server, nats_sink
from tests.fakes.nats_tokens import Operator, account_key, credentials_file, user_key
from tests.fakes.sending import NumberedRows, SteadyPulse

pytestmark = pytest.mark.emulator

ROWS = 20
NOT_ACCEPTED = "The NATS server does not accept the credentials of secret BUS"
NO_FILE = "The secret BUS is not the text of a .creds file with a token and a seed"


@dataclass
class Server:
    host: str
    operator: Operator

    def subject(self) -> Subject:
        return Subject(self.host, {"user_credentials": RawCredentials(self.operator.credentials())})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    operator = Operator()
    with nats_server(tmp_path_factory.mktemp("nats"), operator.config) as host:
        yield Server(host, operator)


@pytest.fixture
def subject(server: Server) -> Subject:
    return server.subject()


def deliver(subject: Subject, secret: str) -> bool:
    sink = nats_sink(lambda _organization, _name: secret.encode())
    delivery = subject.delivery(ROWS, credentials="BUS")
    return sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse())


def test_a_user_with_a_file_is_let_in(server: Server, subject: Subject) -> None:
    assert deliver(subject, server.operator.credentials())
    assert subject.rows() == list(range(ROWS))


def test_the_file_may_have_the_line_breaks_of_windows(server: Server, subject: Subject) -> None:
    assert deliver(subject, server.operator.credentials().replace("\n", "\r\n"))
    assert subject.rows() == list(range(ROWS))


def test_the_file_may_be_a_field_of_the_secret(server: Server, subject: Subject) -> None:
    assert deliver(subject, json.dumps({"creds": server.operator.credentials()}))
    assert subject.rows() == list(range(ROWS))


def test_a_user_with_too_few_rights_is_named_by_the_subject(server: Server, subject: Subject) -> None:
    narrow = server.operator.credentials(publish=["other.>"])
    with pytest.raises(DestinationRefused, match=f"may not publish to subject {subject.name}.rows"):
        deliver(subject, narrow)


def not_accepted(operator: Operator) -> dict[str, str]:
    """Files that are right in form, and let nobody in."""
    now = int(time.time())
    user, other = user_key(), user_key()
    token = operator.account.token(user.public, {"type": "user"})
    return {
        "revoked": operator.credentials(operator.revoked),
        "expired": operator.credentials(exp=now - 30),
        "not yet": operator.credentials(nbf=now + 3_600),
        "of an unknown account": operator.credentials(account=account_key()),
        "with another's seed": credentials_file(token, other),
        "with a forged token": operator.credentials().replace("\n------END NATS", "A\n------END NATS"),
        "with no token": credentials_file("no-token", user),
    }


def test_a_file_that_is_not_accepted_fails_the_job_by_the_secrets_name(
    server: Server, subject: Subject
) -> None:
    for kind, text in not_accepted(server.operator).items():
        with pytest.raises(DestinationRefused, match=NOT_ACCEPTED) as told:
            deliver(subject, text)
        shown = f"{told.value!r}{told.value.detail}{told.value.__cause__!r}"
        assert not [line for line in text.splitlines() if line and line in shown], kind
    assert subject.rows() == []


def malformed(operator: Operator) -> dict[str, str]:
    text = operator.credentials()
    begin, _, seed = text.partition("-----BEGIN USER NKEY SEED-----\n")
    return {
        "without a seed": begin,
        "cut off": text[: text.index("------END USER")],
        "with a seed that is none": f"{begin}-----BEGIN USER NKEY SEED-----\n{seed[8:]}",
        "without a token": text.replace(text.split("\n")[1], ""),
        "as a field": json.dumps({"creds": begin}),
    }


def test_what_is_no_file_fails_the_job_by_the_secrets_name(server: Server, subject: Subject) -> None:
    for kind, text in malformed(server.operator).items():
        with pytest.raises(DestinationRefused) as told:
            deliver(subject, text)
        assert told.value.message == NO_FILE, kind


def test_a_server_that_wants_a_file_names_a_secret_without_one(subject: Subject) -> None:
    for secret in ({"user": "owner", "password": "words"}, {"token": "words"}):
        with pytest.raises(DestinationRefused, match=NOT_ACCEPTED):
            deliver(subject, json.dumps(secret))
