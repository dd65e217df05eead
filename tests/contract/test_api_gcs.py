"""The fields of a bucket as a destination: taken and echoed as given, or refused by their place."""

from typing import Any

import pytest

from shared.web.app import BACKFILLS
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
                "a",
                "/a/",
                "a//",
                "../",
                "a/../b/",
                "a b/",
                ".hidden/",
                "a\n/",
                "é/",
                "a/" * 11,
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
