"""NATS servers behind TLS: their certificates are verified for the name that was looked up."""

import json
import ssl
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.local.authority import Authority
from shared.destinations.nats.sink import NatsSink
from shared.domain.errors import DestinationRefused, Unavailable
from shared.steps.sending import ChunkDelivery
from tests.fakes.nats_sinks import Subject, nats_server, nats_sink
from tests.fakes.sending import NumberedRows, SteadyPulse

pytestmark = pytest.mark.emulator

NAME = "nats.example.com"  # which no resolver is asked for
ROWS = 20


@dataclass
class Servers:
    """One for each certificate, and what their clients trust."""

    folder: Path
    authority: Authority = field(default_factory=Authority)
    ports: dict[str, int] = field(default_factory=dict)

    def config(self, kind: str, certificate: tuple[str, str], more: str = "") -> str:
        chain, key = (self.folder / f"{kind}-{part}.pem" for part in ("chain", "key"))
        chain.write_text(certificate[0])
        key.write_text(certificate[1])
        return f'tls {{ cert_file: "{chain}", key_file: "{key}", {more} }}\n'

    @property
    def trusting(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.authority.pem)
        context.verify_flags |= ssl.VERIFY_X509_STRICT  # the default of later versions of Python
        return context

    @property
    def own(self) -> dict[str, Any]:
        """What the tests' own client connects with."""
        return {"tls": self.trusting, "tls_hostname": NAME}

    def url(self, kind: str, name: str = NAME) -> str:
        return f"tls://{name}:{self.ports[kind]}"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("nats-tls")
    found = Servers(folder)
    issue = found.authority.issue
    with ExitStack() as running:
        for kind, certificate, more, jetstream in (
            ("known", issue(NAME), "", True),
            # The address that is dialled is in it; the name that was looked up is not.
            ("other", issue("other.example.com", addresses=["127.0.0.1"]), "", False),
            ("expired", issue(NAME, lasts=timedelta(days=-1)), "", False),
            ("first", issue(NAME), "handshake_first: true, timeout: 0.5", True),
            ("auto", issue(NAME), "handshake_first: 20ms", True),
            ("mutual", issue(NAME), "verify: true", False),
        ):
            own = folder / kind
            own.mkdir()
            config = found.config(kind, certificate, more)
            host = running.enter_context(nats_server(own, config, jetstream=jetstream))
            found.ports[kind] = int(host.rpartition(":")[2])
        yield found


@pytest.fixture
def subject(servers: Servers) -> Subject:
    return Subject(f"127.0.0.1:{servers.ports['known']}", servers.own)


@dataclass
class Names:
    """A resolver that knows loopback alone, and notes what it was asked."""

    asked: list[str] = field(default_factory=list)

    def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        return ["127.0.0.1"]


def sink_of(
    tls: ssl.SSLContext | None, names: Names | None = None, secret: str = "", *, insecure: bool = False
) -> NatsSink:
    """A sink whose guard takes loopback; ``insecure``: whether it takes servers without TLS as well."""
    sink = nats_sink(lambda _organization, _name: secret.encode(), tls=tls, resolve=names or Names())
    return replace(sink, access=replace(sink.access, insecure=insecure))


def refused(sink: NatsSink, delivery: ChunkDelivery, words: str) -> DestinationRefused:
    with pytest.raises(DestinationRefused, match=words) as told:
        sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    return told.value


@pytest.mark.parametrize("name", [NAME, f"{NAME}."])
def test_a_certificate_counts_for_the_name_that_was_looked_up(
    servers: Servers, subject: Subject, name: str
) -> None:
    names = Names()
    delivery = subject.delivery(ROWS, servers=[servers.url("known", name)])
    assert sink_of(servers.trusting, names).deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    assert subject.rows() == list(range(ROWS))
    assert names.asked == [name]


def test_the_secret_may_name_the_authority(servers: Servers, subject: Subject) -> None:
    secret = json.dumps({"ca": servers.authority.pem})
    delivery = subject.delivery(ROWS, servers=[servers.url("known")], credentials="BUS")
    assert sink_of(None, secret=secret).deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    assert subject.rows() == list(range(ROWS))


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        (
            "other",
            NAME,
            rf"certificate of the NATS server tls://{NAME}:\d+ is not trusted \(Hostname mismatch",
        ),
        ("known", "127.0.0.1", r"is not trusted \(IP address mismatch"),
        ("expired", NAME, r"is not trusted \(certificate has expired\)"),
    ],
)
def test_a_certificate_of_another_name_or_time_fails_the_job(
    servers: Servers, subject: Subject, kind: str, name: str, words: str
) -> None:
    delivery = subject.delivery(ROWS, servers=[servers.url(kind, name)])
    refused(sink_of(servers.trusting), delivery, words)


def test_a_certificate_of_an_unknown_authority_fails_the_job(servers: Servers, subject: Subject) -> None:
    delivery = subject.delivery(ROWS, servers=[servers.url("known")])
    refused(sink_of(None), delivery, r"is not trusted \(.*unable to get local issuer certificate\)")
    secret = json.dumps({"ca": Authority().pem})
    named = subject.delivery(ROWS, servers=[servers.url("known")], credentials="BUS")
    refused(sink_of(servers.trusting, secret=secret), named, "is not trusted")
    assert subject.rows() == []


@pytest.mark.parametrize("authority", ["", "hidden-words", "-----BEGIN CERTIFICATE-----\nhidden-words", "é"])
def test_an_authority_that_is_none_fails_the_job_by_the_secrets_name(
    subject: Subject, authority: str
) -> None:
    secret = json.dumps({"ca": authority})
    delivery = subject.delivery(ROWS, credentials="BUS")
    told = refused(sink_of(None, secret=secret), delivery, "The ca of secret BUS is not a certificate in PEM")
    assert "hidden-words" not in f"{told!r}{told.detail}{told.__cause__!r}"


def test_the_next_server_is_tried_when_one_is_not_trusted(servers: Servers, subject: Subject) -> None:
    both = [servers.url("expired"), servers.url("known")]
    delivery = subject.delivery(ROWS, servers=both)
    assert sink_of(servers.trusting).deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    assert subject.rows() == list(range(ROWS))


def test_a_server_that_is_away_beside_one_that_is_not_trusted_may_come_back(
    servers: Servers, subject: Subject
) -> None:
    delivery = subject.delivery(ROWS, servers=["tls://127.0.0.1:9", servers.url("expired")])
    with pytest.raises(Unavailable, match="NATS is not available"):
        sink_of(servers.trusting).deliver(delivery, NumberedRows(ROWS), SteadyPulse())


@pytest.mark.parametrize("scheme", ["tls://", "nats://", ""])
def test_a_server_without_tls_is_refused_unless_it_is_local(
    nats_host: str, servers: Servers, scheme: str
) -> None:
    subject = Subject(nats_host)
    delivery = subject.delivery(ROWS, servers=[f"{scheme}{nats_host}"])
    refused(sink_of(servers.trusting), delivery, f"The NATS server {scheme}{nats_host} does not ask for TLS")
    assert subject.rows() == []
    if scheme == "nats://":
        assert sink_of(None, insecure=True).deliver(delivery, NumberedRows(ROWS), SteadyPulse())


def test_tls_comes_before_the_greeting_where_it_is_asked_for(servers: Servers) -> None:
    subject = Subject(f"127.0.0.1:{servers.ports['first']}", {**servers.own, "tls_handshake_first": True})
    delivery = subject.delivery(ROWS, servers=[servers.url("first")], tls_first=True)
    assert sink_of(servers.trusting).deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    assert subject.rows() == list(range(ROWS))
    refused(sink_of(None), delivery, "is not trusted")


def test_a_server_that_waits_for_tls_may_be_reached_later(servers: Servers, subject: Subject) -> None:
    delivery = subject.delivery(ROWS, servers=[servers.url("first")])
    with pytest.raises(Unavailable, match="NATS is not available"):
        sink_of(servers.trusting).deliver(delivery, NumberedRows(ROWS), SteadyPulse())


@pytest.mark.parametrize("tls_first", [True, False])
def test_a_server_that_takes_either_is_reached_by_both(servers: Servers, tls_first: bool) -> None:  # noqa: FBT001 - a case
    subject = Subject(f"127.0.0.1:{servers.ports['auto']}", servers.own)
    delivery = subject.delivery(ROWS, servers=[servers.url("auto")], tls_first=tls_first)
    assert sink_of(servers.trusting).deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    assert subject.rows() == list(range(ROWS))


@pytest.mark.parametrize("kind", ["known", "other"])
def test_a_server_that_greets_first_is_refused_where_tls_should_come_first(
    servers: Servers, subject: Subject, kind: str
) -> None:
    delivery = subject.delivery(ROWS, servers=[servers.url(kind)], tls_first=True)
    refused(sink_of(servers.trusting), delivery, "does not begin with TLS: leave out tls_first")


def test_a_server_that_asks_for_a_clients_certificate_is_named(servers: Servers, subject: Subject) -> None:
    delivery = subject.delivery(ROWS, servers=[servers.url("mutual")])
    refused(sink_of(servers.trusting), delivery, f"tls://{NAME}:.* asks for a client's certificate")
