"""The check of a slice's destinations: results in time are reported, and errors never end an estimate."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from shared import destinations
from shared.bootstrap import lookout
from shared.config import read
from shared.destinations import KINDS
from shared.destinations.kind import WouldWait
from shared.domain.columns import Column, JsonKind
from shared.domain.errors import DestinationRefused, Unavailable
from shared.domain.jobs import Window
from shared.domain.slices import Slice
from shared.steps.sending import ChunkDelivery

WINDOW = Window("block_timestamp", "2026-03-01T00:00:00", "2026-04-01T00:00:00")
SERVERS: dict[str, Any] = {"type": "nats", "uid": "", "servers": ["tls://nats.example"], "subject": "s"}
COLUMNS = [Column("token", JsonKind.TEXT)]
released = threading.Event()


class FakePresence:
    """Implements Presence as the destination's name says."""

    def require(self, delivery: ChunkDelivery, until: float) -> None:
        assert until > 0
        assert delivery.organization_id == "acme"
        assert (delivery.table, delivery.columns) == ("base.assets.t", COLUMNS)
        match delivery.destination.name:
            case "refused":
                raise DestinationRefused("No stream holds subject s")
            case "waits":
                raise WouldWait("the schema registry is not available at the moment")
            case "away":
                raise Unavailable("NATS")
            case "broken":
                raise ValueError("some secret")
            case "hung":
                released.wait(60)


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    kinds = {**KINDS, "nats": replace(KINDS["nats"], presence=lambda _surroundings: FakePresence())}
    monkeypatch.setattr(lookout, "KINDS", kinds)
    assert destinations.KINDS["nats"].presence is not None
    released.clear()
    yield lookout.build(read({"GOOGLE_CLOUD_PROJECT": "project"}))
    released.set()


def named(*names: str) -> Slice:
    looked_at = tuple((place, {**SERVERS, "name": name}) for place, name in enumerate(names))
    return Slice("acme", "base.assets.t", WINDOW, looked_at=looked_at)


def test_only_a_refusal_is_told_and_by_its_place(look: Callable[..., Any]) -> None:
    assert look(named("fit", "refused", "away"), COLUMNS)(60.0) == ((1, "No stream holds subject s"),)


def test_what_a_job_would_wait_for_is_told_where_its_check_asks_for_that(look: Callable[..., Any]) -> None:
    found = look(named("away", "waits"), COLUMNS)(60.0)
    assert found == ((1, "the schema registry is not available at the moment"),)


def test_what_nobody_foresaw_is_logged_without_its_words(
    look: Callable[..., Any], capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert look(named("broken", "refused"), COLUMNS)(60.0) == ((1, "No stream holds subject s"),)
    told = caplog.text + json.dumps(capfd.readouterr())
    assert "some secret" not in told


def test_one_that_hangs_is_not_waited_for(look: Callable[..., Any]) -> None:
    assert look(named("hung", "hung"), COLUMNS)(0.05) == ()
