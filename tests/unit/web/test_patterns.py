"""The document's patterns accept what the API accepts."""

import calendar
import ipaddress
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.destinations.webhook.urls import check_webhook_url, pattern
from shared.domain import timestamps
from shared.domain.catalog import Catalog, CatalogEntry
from shared.web.listing import CURSOR_PATTERN
from shared.web.routes import BACKFILLS
from tests.fakes.web import Service, backfill, webhook, window
from tests.unit.domain.test_timestamps import REFUSED, TAKEN

URLS = pattern(allow_insecure=False)


def _properties(service: Service, name: str) -> dict[str, Any]:
    properties = service.api.openapi["components"]["schemas"][name]["properties"]
    assert isinstance(properties, dict)
    return properties


@given(st.from_regex(re.compile(timestamps.PATTERN, re.ASCII), fullmatch=True))
def test_every_time_of_the_pattern_is_taken(text: str) -> None:
    try:
        timestamps.canonical(text.rstrip("\n"))
    except ValueError as error:
        assert "outside of the years" in str(error)  # noqa: PT017 - the one thing that the pattern can't say


@pytest.mark.parametrize(("written", "_echoed"), TAKEN)
def test_every_time_that_is_taken_is_of_the_pattern(written: str, _echoed: str) -> None:
    assert re.search(timestamps.PATTERN, written)


@pytest.mark.parametrize(("written", "reason"), REFUSED)
def test_no_time_that_is_refused_is_of_the_pattern(written: str, reason: str) -> None:
    assert reason == "0001 to 9999" or not re.fullmatch(timestamps.PATTERN, written)


@given(st.integers(0, 9999), st.integers(0, 13))
def test_days_of_the_pattern_are_those_of_the_calendar(year: int, month: int) -> None:
    found = [day for day in range(40) if re.search(timestamps.PATTERN, f"{year:04}-{month:02}-{day:02}")]
    exists = year > 0 and 1 <= month <= 12
    assert found == ([*range(1, calendar.monthrange(year, month)[1] + 1)] if exists else [])


@given(st.from_regex(re.compile(URLS, re.ASCII), fullmatch=True))
def test_every_url_of_the_pattern_is_taken(text: str) -> None:
    url = text.rstrip("\n")
    assert check_webhook_url(url, allow_insecure=False) == url


@given(
    st.lists(
        st.sampled_from(["", "", "0", "1", "ab", "FFFF", "12345", "1.2.3.4", "1.2.3.256", "g"]), max_size=10
    )
)
def test_addresses_in_brackets_are_those_of_ipv6(groups: list[str]) -> None:
    address = ":".join(groups)
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        assert not re.search(URLS, f"https://[{address}]/")
    else:
        assert re.search(URLS, f"https://[{address}]/")
        assert (
            Service().create(backfill(destinations=[webhook(url=f"https://[{address}]/")])).status_code == 201
        )


@pytest.mark.parametrize("port", ["0", "65536", "99999", "", "00443", "x", "-1"])
def test_a_port_that_is_none_is_neither_taken_nor_of_the_pattern(port: str) -> None:
    url = f"https://example.com:{port}/"
    assert not re.search(URLS, url)
    assert Service().create(backfill(destinations=[webhook(url=url)])).status_code == 422


@given(st.from_regex(re.compile(CURSOR_PATTERN, re.ASCII), fullmatch=True), st.sampled_from(["asc", "desc"]))
def test_every_cursor_of_the_pattern_is_taken(text: str, order: str) -> None:
    query = {"cursor": text.rstrip("\n"), "order": order}
    assert Service().call("GET", BACKFILLS, query_string=query).status_code == 200


def test_plain_http_is_of_the_pattern_where_it_is_taken() -> None:
    for insecure in (False, True):
        service = Service(allow_insecure_destinations=insecure)
        url = _properties(service, "WebhookDestination")["url"]
        assert bool(re.search(url["pattern"], "http://example.com/")) == insecure
        assert re.search(url["pattern"], "https://example.com/")


@pytest.mark.parametrize(
    ("table", "taken"),
    [
        ("base.assets.erc20_token_transfers", True),
        ("BASE.Any_Schema.t$1", True),
        ("based.assets.t", False),
        ("base.assets", False),
        ("base.assets.t.x", False),
        ("base.assets.1", False),
        ("ethereum.raw.blocks", False),
    ],
)
def test_tables_of_the_pattern_are_those_on_offer(table: str, *, taken: bool) -> None:
    service = Service()
    assert bool(re.search(_properties(service, "CreateBackfill")["table"]["pattern"], table)) == taken
    assert (service.create(backfill(table=table)).status_code == 201) == taken


def test_windows_by_block_are_in_the_schema_where_the_catalog_has_any() -> None:
    by_time = _properties(Service(), "BackfillWindow")
    assert by_time["partition_key"] == {"type": "string", "const": "block_timestamp"}
    assert by_time["start"]["pattern"] == by_time["end"]["pattern"] == timestamps.PATTERN
    by_both = _properties(Service(Catalog((CatalogEntry("a.b.c", block_column="d"),))), "BackfillWindow")
    assert by_both["partition_key"]["enum"] == ["block_timestamp", "block"]
    assert [one["type"] for one in by_both["start"]["anyOf"]] == ["string", "integer"]
    assert window()["partition_key"] == by_time["partition_key"]["const"]
