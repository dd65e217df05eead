"""The options of a webhook's destination: accepted and returned as given, or refused by their place."""

from typing import Any

import pytest

from shared.web.routes import BACKFILLS
from tests.fakes.web import Service, backfill, webhook


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "gzip"},
        {"compression": "zstd", "batch_rows": 1, "max_parallel_requests": 16},
        {"batch_rows": 10_000, "max_parallel_requests": 1},
        {"headers": {"X-Tenant": "a b", "x-y": "!"}},
        {"secret_headers": {"Authorization": "TOKEN", "Cookie": "SESSION"}},
        {"headers": {f"X-{number}": "x" * 1_000 for number in range(20)}},
    ],
)
def test_taken_and_echoed_as_given(service: Service, options: dict[str, Any]) -> None:
    job_id = service.created(backfill(destinations=[webhook(**options)]))
    (shown,) = service.call("GET", f"{BACKFILLS}/{job_id}").get_json()["destinations"]
    assert {name: shown[name] for name in options} == options
    assert list(shown) == ["type", "name", "url", *options, "uid", "state"]


def test_an_integer_may_be_written_as_a_number(service: Service) -> None:
    job_id = service.created(backfill(destinations=[webhook(batch_rows=5.0)]))
    assert service.jobs.stored["org123", job_id].job.destinations[0].traits.batch_rows == 5


@pytest.mark.parametrize(
    ("options", "loc"),
    [
        ({"compression": "br"}, ["compression"]),
        ({"batch_rows": 0}, ["batch_rows"]),
        ({"batch_rows": 10_001}, ["batch_rows"]),
        ({"batch_rows": "5"}, ["batch_rows"]),
        ({"batch_rows": 1.5}, ["batch_rows"]),
        ({"batch_rows": True}, ["batch_rows"]),
        ({"max_parallel_requests": 0}, ["max_parallel_requests"]),
        ({"max_parallel_requests": 17}, ["max_parallel_requests"]),
        ({"headers": {}}, ["headers"]),
        ({"headers": {f"X-{number}": "x" for number in range(21)}}, ["headers"]),
        ({"headers": {"X-A": ""}}, ["headers", "X-A"]),
        ({"headers": {"X-A": "two\r\nlines"}}, ["headers", "X-A"]),
        ({"headers": {"X-A": " x"}}, ["headers", "X-A"]),
        ({"headers": {"X-A": "é"}}, ["headers", "X-A"]),
        ({"headers": {"X-A": "x" * 1_001}}, ["headers", "X-A"]),
        ({"headers": {"X-A": 5}}, ["headers", "X-A"]),
        ({"headers": ["X-A"]}, ["headers"]),
        ({"headers": {"X A": "x"}}, ["headers", "X A", "[key]"]),
        ({"headers": {"": "x"}}, ["headers", "", "[key]"]),
        ({"headers": {"X:A": "x"}}, ["headers", "X:A", "[key]"]),
        ({"secret_headers": {"X-A": "no-name"}}, ["secret_headers", "X-A"]),
        ({"secret_headers": {"X-A": ""}}, ["secret_headers", "X-A"]),
        ({"headers": {"X-A": "a"}, "secret_headers": {"x-a": "B"}}, []),
        ({"headers": {"X-A": "a", "x-a": "b"}}, []),
    ],
)
def test_anything_else_is_refused_by_its_place(
    service: Service, options: dict[str, Any], loc: list[str]
) -> None:
    (fault,) = service.faults(backfill(destinations=[webhook(**options)]))
    assert fault["loc"] == ["body", "destinations", 0, *loc]


@pytest.mark.parametrize(
    "name",
    [
        *("Connection", "keep-alive", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Proxy-Authorization"),
        *("Host", "Content-Length", "content-type", "Content-Encoding", "Expect", "User-Agent"),
        *("webhook-id", "Webhook-Signature", "X-Webhook-Nonce", "X-Signature-256"),
    ],
)
@pytest.mark.parametrize("field", ["headers", "secret_headers"])
def test_what_frames_and_signs_a_request_can_not_be_set(service: Service, field: str, name: str) -> None:
    (fault,) = service.faults(backfill(destinations=[webhook(**{field: {name: "VALUE"}})]))
    assert fault["loc"] == ["body", "destinations", 0, field, name, "[key]"]
    assert name in fault["msg"]


@pytest.mark.parametrize("name", ["Authorization", "cookie"])
def test_a_secret_is_given_by_its_name_and_never_by_value(service: Service, name: str) -> None:
    (fault,) = service.faults(backfill(destinations=[webhook(headers={name: "Bearer hidden"})]))
    assert "secret_headers" in fault["msg"]
    assert "hidden" not in fault["msg"]
