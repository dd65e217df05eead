"""The fields of a NATS subject as a destination: accepted and returned as given, or refused by their
place.
"""

from typing import Any

import pytest

from shared.web.routes import BACKFILLS
from tests.fakes.web import Service, backfill


@pytest.fixture
def service() -> Service:
    return Service()


def bus(**changes: Any) -> dict[str, Any]:
    return {
        "type": "nats",
        "name": "bus",
        "servers": ["nats.example.com:4222"],
        "subject": "rows.base",
    } | changes


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"servers": ["tls://a.example.com", "b.example.com", "[2001:db8::1]:4222"], "credentials": "BUS"},
        {"tls_first": True},
        {"tls_first": False, "credentials": "BUS"},
        {"subject": "A-b_c.d$e.0", "delivery": "at_least_once"},
    ],
)
def test_taken_and_echoed_as_given(service: Service, options: dict[str, Any]) -> None:
    job_id = service.created(backfill(destinations=[bus(**options)]))
    (shown,) = service.call("GET", f"{BACKFILLS}/{job_id}").get_json()["destinations"]
    assert {name: value for name, value in shown.items() if name not in {"uid", "state"}} == bus(**options)


@pytest.mark.parametrize(
    "server",
    [
        *("", "http://a", "a b", "a:x", "user:pass@a:1", "tls://a/x", "nats://a:4222", 5),
        *("a:0", "a:65536", "a:99999", "a:123456", "a:04222", "[fe]:4222", "[:::::]:1", "[1.2.3.4]"),
    ],
)
def test_any_other_server_is_refused(service: Service, server: Any) -> None:
    (fault,) = service.faults(backfill(destinations=[bus(servers=[server])]))
    assert fault["loc"] == ["body", "destinations", 0, "servers", 0]


@pytest.mark.parametrize(
    "subject", ["", ".", "a.", ".a", "a..b", "a.*", "a.>", "a b", "$JS.API", "a\r\nb", "x" * 101, 5]
)
def test_any_other_subject_is_refused(service: Service, subject: Any) -> None:
    (fault,) = service.faults(backfill(destinations=[bus(subject=subject)]))
    assert fault["loc"] == ["body", "destinations", 0, "subject"]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"servers": []}, "servers"),
        ({"servers": ["a"] * 11}, "servers"),
        ({"credentials": "a-b"}, "credentials"),
        ({"delivery": "exactly_once"}, "delivery"),
        ({"tls_first": "yes"}, "tls_first"),
        ({"tls_first": 1}, "tls_first"),
        ({"url": "https://example.com"}, "url"),
    ],
)
def test_anything_else_is_refused_by_its_place(service: Service, options: dict[str, Any], field: str) -> None:
    (fault,) = service.faults(backfill(destinations=[bus(**options)]))
    assert fault["loc"] == ["body", "destinations", 0, field]


def test_servers_without_tls_need_the_local_switch() -> None:
    local = Service(allow_insecure_destinations=True)
    local.created(backfill(destinations=[bus(servers=["nats://127.0.0.1:4222"])]))
