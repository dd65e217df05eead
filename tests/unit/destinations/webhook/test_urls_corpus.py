"""A corpus of hostile and of legitimate addresses of webhooks: what reaches the network is what may.

Each is sent to, as a delivery does it, over a resolver and a connector that only take notes. A host that
is an address in any of its forms is read by the system's own parser, which asks no network.
"""

import csv
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shared.destinations.addresses import is_public
from shared.destinations.guard import Guard
from shared.destinations.webhook.connections import Connections
from shared.destinations.webhook.urls import check_webhook_url
from shared.domain.errors import DestinationRefused, Unavailable
from tests.fakes.trust import usual_tls

CORPORA = Path(__file__).parents[3] / "corpora"
NO_ANSWER = "none"


@dataclass(frozen=True)
class Entry:
    """``answers``: the host's DNS addresses; without any, the host must be an address itself."""

    url: str
    answers: tuple[str, ...]
    reason: str


def corpus(name: str) -> list[Entry]:
    with (CORPORA / name).open(encoding="utf-8", newline="") as file:
        return [
            Entry(row["url"], tuple(row["answers"].split()), row["reason"]) for row in csv.DictReader(file)
        ]


HOSTILE, LEGITIMATE = corpus("hostile_urls.csv"), corpus("legitimate_urls.csv")


@dataclass
class NotedNetwork:
    """A network without connections; ``dialled``: the requested addresses."""

    answers: Sequence[str]
    dialled: list[tuple[str, int]] = field(default_factory=list)

    def resolve(self, host: str, port: int) -> Sequence[str]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except socket.gaierror:
            if not self.answers or NO_ANSWER in self.answers:
                raise
            return self.answers
        return [str(entry[4][0]) for entry in found]

    def connect(self, address: str, port: int, _timeout: float) -> socket.socket:
        self.dialled.append((address, port))
        raise ConnectionRefusedError(address)


def send(entry: Entry) -> tuple[NotedNetwork, Exception]:
    """Try to send to the address; return the dialled addresses, and the result."""
    network = NotedNetwork(entry.answers)
    guard = Guard(network.resolve, network.connect, insecure=False)
    connections = Connections(guard, user_agent="backfills/1", tls=usual_tls())
    with pytest.raises((DestinationRefused, Unavailable)) as ended:
        connections.post(entry.url, b"[]", {}, 5.0)
    connections.close()
    return network, ended.value


@pytest.mark.parametrize("entry", HOSTILE, ids=lambda entry: f"{entry.url} ({entry.reason})")
def test_a_hostile_address_is_never_dialled(entry: Entry) -> None:
    """The refusal is permanent, except for an unknown name, which may be temporary."""
    network, ended = send(entry)
    assert network.dialled == []
    assert isinstance(ended, DestinationRefused) or entry.answers in {(), (NO_ANSWER,)}


@pytest.mark.parametrize("entry", LEGITIMATE, ids=lambda entry: f"{entry.url} ({entry.reason})")
def test_a_legitimate_address_is_dialled(entry: Entry) -> None:
    network, ended = send(entry)
    assert isinstance(ended, Unavailable)
    assert network.dialled
    assert all(is_public(address) for address, _ in network.dialled)
    assert [address for address, _ in network.dialled] == list(entry.answers) or not entry.answers


@pytest.mark.parametrize("entry", LEGITIMATE, ids=lambda entry: f"{entry.url} ({entry.reason})")
def test_the_api_takes_a_legitimate_address(entry: Entry) -> None:
    assert check_webhook_url(entry.url, allow_insecure=False) == entry.url


def test_the_corpus_is_as_large_as_it_is_said_to_be() -> None:
    assert len({entry.url for entry in HOSTILE}) >= 80
    assert len({entry.url for entry in LEGITIMATE}) >= 20
    assert len({entry.url for entry in HOSTILE}) == len(HOSTILE)
    assert all(entry.reason for entry in HOSTILE + LEGITIMATE)
