"""A transport of the user's own carries the requests, with the same retries, and ends with its client."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from backfills import AsyncClient, Client, Conflict, NoAnswer, Retries
from tests.unit.client.service import JOB_ID, Says, job, service

URL = "https://backfills.test/base"
QUICK = Retries(tries=3, first_pause=0.001)
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


class Transport(httpx.MockTransport):
    """Gives the answers in order; an answer that is an error is raised."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.left, self.asked, self.closed = list(answers), list[httpx.Request](), 0
        super().__init__(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


def _wait(transport: Transport) -> str:
    with Client(URL, "key", retries=QUICK, transport=transport) as client:
        status = client.retry(JOB_ID).status
        assert transport.closed == 0
    return status


def _loop(transport: Transport) -> str:
    async def run() -> str:
        async with AsyncClient(URL, "key", retries=QUICK, transport=transport) as client:
            status = (await client.retry(JOB_ID)).status
            assert transport.closed == 0
        return status

    return asyncio.run(run())


both = pytest.mark.parametrize("run", [_wait, _loop], ids=["sync", "async"])
Run = Callable[[Transport], str]


@both
def test_it_carries_the_requests_and_is_closed(run: Run) -> None:
    transport = Transport(httpx.Response(200, json=job()))
    assert run(transport) == "transporting"
    assert transport.closed == 1
    assert [str(request.url) for request in transport.asked] == [
        f"{URL}/api/v1/beam/backfills/{JOB_ID}/retry"
    ]
    assert transport.asked[0].headers["x-api-key"] == "key"


@both
def test_it_is_closed_after_an_error_too(run: Run) -> None:
    transport = Transport(httpx.Response(409, json={"detail": "it runs"}))
    with pytest.raises(Conflict, match="it runs"):
        run(transport)
    assert transport.closed == 1


@both
def test_its_failures_are_retried_like_those_of_the_network(run: Run) -> None:
    busy = httpx.Response(503, json={"detail": "down"}, headers={"Retry-After": "0"})
    never_sent = Transport(httpx.ConnectError("refused"), busy, httpx.Response(200, json=job()))
    assert run(never_sent) == "transporting"
    assert len(never_sent.asked) == 3
    # A job's retry is not repeated if the service may have received it.
    sent = Transport(httpx.ReadTimeout("silence"))
    with pytest.raises(NoAnswer, match="silence"):
        run(sent)
    assert len(sent.asked) == 1


def test_a_client_that_was_never_used_closes_it() -> None:
    transport = Transport()
    Client(URL, "key", transport=transport).close()
    assert transport.closed == 1


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name a proxy that does not answer."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")


@pytest.mark.usefixtures("proxied")
def test_the_environments_proxy_applies_only_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    once = Retries(tries=1)
    with service(Says(200, job()), Says(200, job())) as server:
        with Client(server.url, "key", retries=once) as client, pytest.raises(NoAnswer):
            client.get(JOB_ID)
        assert server.asked == []
        with Client(server.url, "key", retries=once, transport=httpx.HTTPTransport()) as client:
            client.get(JOB_ID)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with Client(server.url, "key", retries=once) as client:
            client.get(JOB_ID)
    assert len(server.asked) == 2


def test_certificates_are_verified_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Httpx reads the file that the environment names when the client is built."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(FileNotFoundError):
        Client("https://h", "key")
    Client("https://h", "key", transport=Transport()).close()
