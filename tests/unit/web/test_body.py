"""Malicious or ambiguous bodies: always the standard answer, never 500, nothing recorded."""

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from werkzeug import Request, Response
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, TestResponse

from shared.web.body import MOST_BODY_BYTES
from shared.web.routes import BACKFILLS
from tests.fakes.web import KEY, Service, backfill

HOSTILE_TEXTS = [
    "'; DROP TABLE base.assets.erc20_token_transfers; --",
    "' OR '1'='1",
    '"; SELECT 1; --',
    "*/ UNION ALL SELECT * FROM secrets /*",
    "$$ || current_user() || $$",
    "%(name)s %s {0} {name} ${HOME} {{7*7}}",
    "\\' \\\\ \\u0027",
    "\x00\x01\x1b[2J\x7f",
    "\u202eright to left\u2066",
    "𝕿𝖆𝖇𝖑𝖊 ＇ ʼ ‘ 💸",  # noqa: RUF001 - look-alikes are the point
    "../../etc/passwd",
    "\r\nX-Injected: yes",
    "<script>alert(1)</script>",
    "x" * 100_000,
]
LIST_OF_ONES = b"[" + b"1," * 1_000_000 + b"1]"


@pytest.fixture
def service() -> Iterator[Service]:
    """Check that these tests' requests are refused: nothing may be recorded or published."""
    service = Service()
    yield service
    assert service.jobs.stored == {}
    assert service.queue.waiting == []


def _post(service: Service, body: bytes) -> TestResponse:
    return service.call("POST", BACKFILLS, data=body, content_type="application/json")


def _only_fault(service: Service, body: bytes) -> dict[str, Any]:
    answer = _post(service, body)
    assert answer.status_code == 422
    (fault,) = answer.get_json()["detail"]
    assert isinstance(fault, dict)
    return fault


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "line 1, column 1"),
        (b"{", "line 1, column 2"),
        (b'{"job_name": "x",}', "column"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b'{"job_name": "\xff"}', "UTF-8: see byte 14"),
        ('{"job_name": "x"}'.encode("utf-16"), "UTF-8"),
        (b'{"filter": 1, "filter": 2}', "'filter' twice"),
        (b'{"backfill_window": {"end": 1, "start": 1, "end": 2}}', "'end' twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b"[" * 1_000_000, "deeply"),
        (b'{"a":' * 300_000 + b"1" + b"}" * 300_000, "deeply"),
        (b"{} {}", "Extra data"),
        (b"{" + b",".join(b'"%d": 1' % number for number in range(1_001)) + b"}", "more than 1000 fields"),
    ],
)
def test_what_is_not_json_with_one_meaning_is_422_saying_where(
    service: Service, body: bytes, reason: str
) -> None:
    fault = _only_fault(service, body)
    assert (fault["loc"], fault["type"]) == (["body"], "json_invalid")
    assert reason in fault["msg"]


@pytest.mark.parametrize("body", [b"null", b"5", b'"x"', b"[]", b"true", LIST_OF_ONES, b"9" * 2_000_000])
def test_json_that_is_no_object_is_422(service: Service, body: bytes) -> None:
    assert _only_fault(service, body)["loc"] == ["body"]


@pytest.mark.parametrize(
    ("body", "locs"),
    [
        (rb'{"job_name": "\ud800"}', [["body", "job_name"]]),
        (rb'{"filter": {"values": ["a", "\uDFFF"]}}', [["body", "filter", "values", 1]]),
        (rb'{"\udc00": 1}', [["body"]]),
        (rb'{"\udc00": ["\ud800"]}', [["body"], ["body", "\udc00", 0]]),
    ],
)
def test_half_characters_are_422_where_they_stand(service: Service, body: bytes, locs: list[Any]) -> None:
    answer = _post(service, body)
    assert answer.status_code == 422
    assert [fault["loc"] for fault in json.loads(answer.text)["detail"]] == locs


@pytest.mark.parametrize(
    "number",
    [
        *("9" * 39, "-" + "9" * 39, "9" * 5_000, "1" + "0" * 400 + ".5"),
        *("1e309", "-1e999999999999", "1.0e-400", "1e-99999999999999999999999", "0.12345678901234567890"),
    ],
)
def test_numbers_that_would_change_are_422_where_they_stand(service: Service, number: str) -> None:
    text = json.dumps(backfill(filter={"column": "c", "values": ["NUMBER"]})).replace('"NUMBER"', number)
    assert _only_fault(service, text.encode())["loc"] == ["body", "filter", "values", 0]


def test_a_body_of_faults_is_answered_with_the_first_hundred(service: Service) -> None:
    body = backfill() | {f"unknown{number}": 1 for number in range(900)}
    faults = service.faults(body)
    assert len(faults) == 101
    assert faults[-1] == {"loc": [], "msg": "800 more faults are not listed", "type": "too_many_faults"}


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
@pytest.mark.parametrize(
    "field", ["table", "partition_key", "start", "column", "type", "name", "url", "hash_key"]
)
def test_hostile_identifiers_are_422(service: Service, field: str, text: str) -> None:
    body = backfill(destinations=[{"type": "webhook", "name": "a", "url": "https://a.b", "hash_key": "K"}])
    owner = {"table": body, "partition_key": body["backfill_window"], "start": body["backfill_window"]}
    owner |= {"column": body["filter"]}
    owner.get(field, body["destinations"][0])[field] = text
    assert _post(service, json.dumps(body).encode()).status_code == 422


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_unknown_fields_are_422(service: Service, text: str) -> None:
    assert [fault["loc"] for fault in service.faults(backfill() | {text: 1})] == [["body", text]]


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_ids_and_cursors_find_nothing(service: Service, text: str) -> None:
    short = text[:1_000]
    assert service.call("GET", BACKFILLS, query_string={"cursor": short}).status_code == 422
    assert service.call("GET", BACKFILLS, query_string={short: "1"}).status_code == 422
    assert service.call("GET", f"{BACKFILLS}/{short.replace('/', '')}").status_code == 404


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_filter_values_are_data(text: str) -> None:
    service = Service()
    service.created(backfill(filter={"column": "c", "values": [text]}))
    (item,) = service.call("GET", BACKFILLS).get_json()
    assert item["filter_values"] == [text]


class EndlessBody(BytesIO):
    """An endless body without a length; counts how much of it was read."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert size >= 0, "nobody may ask for all of it"
        self.taken += size
        return b" " * size


class BrokenBody(BytesIO):
    """A body whose sender disconnected."""

    def read(self, _size: int | None = -1) -> bytes:
        raise OSError("connection reset")


def _send(service: Service, body: BytesIO) -> Response:
    environ = EnvironBuilder(BACKFILLS, method="POST", headers=Headers({"X-API-Key": KEY})).get_environ()
    server: dict[str, Any] = {"CONTENT_TYPE": "application/json", "wsgi.input_terminated": True}
    environ |= server | {"wsgi.input": body}
    environ.pop("CONTENT_LENGTH", None)
    return service.api.handle(Request(environ))


def test_a_body_without_length_is_read_no_further_than_a_byte_over_the_limit(service: Service) -> None:
    body = EndlessBody()
    assert _send(service, body).status_code == 413
    drained = 32 * 1024 * 1024  # so that the client gets to read the answer
    assert body.taken == MOST_BODY_BYTES + 1 + drained


def test_a_body_that_breaks_off_is_400(service: Service) -> None:
    assert _send(service, BrokenBody()).status_code == 400
