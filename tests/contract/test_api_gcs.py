"""The fields of a bucket as a destination: accepted and returned as given, or refused by their place."""

from typing import Any

import pytest

from shared.web.routes import BACKFILLS
from tests.fakes.web import Service, backfill


@pytest.fixture
def service() -> Service:
    return Service()


def lake(**changes: Any) -> dict[str, Any]:
    return {"type": "gcs", "name": "lake", "bucket": "my-lake"} | changes


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"prefix": "backfills/base/", "format": "ndjson"},
        {"prefix": "dt=2026-03-01/", "format": "parquet", "delivery": "exactly_once"},
        {"prefix": "a"},
        {"prefix": "exports/of-"},
        {"prefix": "a/" * 9 + "a"},
        {"bucket": "a.domain-named_bucket.example.com"},
    ],
)
def test_taken_and_echoed_as_given(service: Service, options: dict[str, Any]) -> None:
    job_id = service.created(backfill(destinations=[lake(**options)]))
    (shown,) = service.call("GET", f"{BACKFILLS}/{job_id}").get_json()["destinations"]
    assert {name: value for name, value in shown.items() if name not in {"uid", "state"}} == lake(**options)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        *(
            ({"bucket": bucket}, "bucket")
            for bucket in ("", "ab", "My-Lake", "lake/x", "gs://lake", "-lake", 5)
        ),
        *(
            ({"prefix": prefix}, "prefix")
            for prefix in (
                "",
                "/",
                "/a/",
                "a//",
                "../",
                "a/../b/",
                "a b/",
                ".hidden/",
                "a\n/",
                "é/",
                "a/" * 11,
                "a/" * 10 + "a",
                "x" * 101,
            )
        ),
        *(({"format": format_}, "format") for format_ in ("csv", "", "PARQUET", ["parquet"])),
        ({"delivery": "at_least_once"}, "delivery"),
        ({"url": "https://example.com"}, "url"),
    ],
)
def test_anything_else_is_refused_by_its_place(service: Service, options: dict[str, Any], field: str) -> None:
    (fault,) = service.faults(backfill(destinations=[lake(**options)]))
    assert fault["loc"] == ["body", "destinations", 0, field]


def test_a_bucket_is_needed(service: Service) -> None:
    (fault,) = service.faults(backfill(destinations=[{"type": "gcs", "name": "lake"}]))
    assert fault["loc"] == ["body", "destinations", 0, "bucket"]


def twice(**changes: Any) -> dict[str, Any]:
    """Return a request with two destinations, the second one with changes."""
    first = {"type": "gcs", "name": "first", "bucket": "acme-lake", "prefix": "exports/"}
    return backfill(destinations=[first, first | {"name": "second"} | changes])


@pytest.mark.parametrize("changes", [{}, {"format": "parquet"}, {"format": None}])
def test_two_destinations_never_share_objects(changes: dict[str, Any]) -> None:
    (fault,) = Service().faults(twice(**changes))
    assert fault["loc"] == ["body", "destinations", 1, "bucket"]
    assert "the same objects" in fault["msg"]


@pytest.mark.parametrize(
    "changes", [{"format": "ndjson"}, {"prefix": None}, {"prefix": "exports"}, {"bucket": "another-lake"}]
)
def test_two_destinations_may_share_a_bucket(changes: dict[str, Any]) -> None:
    Service().created(twice(**changes))


@pytest.mark.parametrize("bucket", [5, None, {"a": 1}, []])
def test_what_is_no_bucket_is_told_of_for_each(bucket: Any) -> None:
    first = {"type": "gcs", "name": "first", "bucket": bucket}
    faults = Service().faults(backfill(destinations=[first, first | {"name": "second"}]))
    assert [fault["loc"] for fault in faults] == [["body", "destinations", at, "bucket"] for at in (0, 1)]
