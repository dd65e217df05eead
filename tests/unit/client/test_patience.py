"""The library waits as long as the service requests, and many watchers share one client."""

import asyncio
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from backfills import AsyncClient, Retries, calls
from backfills.calls import Reply
from backfills.errors import NoAnswer, Unavailable
from backfills.sync_client import Client
from backfills.tries import Pause, Send, retry_after, tried
from tests.unit.client.service import HANGS, JOB_ID, RESETS, Asked, Says, job, service, serving

WATCHERS = 100
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90.0),
        ("Sunday, 01-Mar-26 12:01:30 GMT", 90.0),
        ("Sun Mar  1 12:01:30 2026", 90.0),
        ("Sun, 01 Mar 2026 13:01:30 +0100", 90.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("-7", None),
        ("1.5", None),
        ("\N{ARABIC-INDIC DIGIT SEVEN}", None),
        ("soon", None),
        ("Sun, 99 Mar 2026 12:00:00 GMT", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize("status", [429, 503])
def test_a_date_is_waited_for(status: int) -> None:
    steps = tried(calls.get(JOB_ID), Retries())
    assert isinstance(next(steps), Send)
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    pause = steps.send(Reply(status, {"retry-after": date}, b'{"detail": "later"}'))
    assert isinstance(pause, Pause)
    # The header has whole seconds, and this test may have been delayed.
    assert 0 < pause.seconds <= 60


def test_a_date_too_far_away_is_told_instead() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)
    with service(Says(503, {"detail": "down"}, {"Retry-After": date})) as server:
        with Client(server.url, "key") as client, pytest.raises(Unavailable) as caught:
            client.get(JOB_ID)
        assert caught.value.retry_after is not None
        assert caught.value.retry_after > 3600
        assert len(server.asked) == 1


@pytest.mark.parametrize("fault", [HANGS, RESETS])
def test_a_service_that_hangs_or_resets_is_given_up_after_all_tries(fault: Says) -> None:
    with serving(lambda _: fault) as server:
        retries = Retries(tries=2, first_pause=0.001)
        with (
            Client(server.url, "key", timeout=0.3, retries=retries) as client,
            pytest.raises(NoAnswer),
        ):
            client.get(JOB_ID)
        deadline = time.monotonic() + 30.0
        while len(server.asked) < 2:  # a busy server reads a request after its client has given up
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert len(server.asked) == 2


def test_a_hundred_watchers_share_one_client() -> None:
    lock, looks = threading.Lock(), Counter[str]()

    def answer(asked: Asked) -> Says:
        name = asked.path.rpartition("/")[2]
        with lock:
            looks[name] += 1
            number = looks[name]
        if number == 2:  # each gets one fault
            return Says(503, {"detail": "down"}, {"Retry-After": "0"})
        return Says(200, job("completed" if number == 4 else "transporting", job_id=name))

    async def watched(client: AsyncClient, name: str) -> list[str]:
        return [f"{one.job_id} {one.status}" async for one in client.watch(name, interval=0.01)]

    async def all_of_them(url: str) -> list[list[str]]:
        async with AsyncClient(url, "key") as client:
            return await asyncio.gather(*(watched(client, f"job-{number}") for number in range(WATCHERS)))

    with serving(answer) as server:
        seen = asyncio.run(all_of_them(server.url))
    assert seen == [
        [f"job-{number} {status}" for status in ("transporting", "transporting", "completed")]
        for number in range(WATCHERS)
    ]
    assert set(looks.values()) == {4}
