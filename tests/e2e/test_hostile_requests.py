"""A hostile request is refused or means exactly what it says: never 500, never another row."""

import json
from typing import Any

import pyarrow as pa
import pytest

from infra.local.calls import call
from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client, backfill, kafka, webhook
from tests.e2e.support.kafka import committed
from tests.e2e.support.receiver import Receiver, Request, rows_once
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack

VALUES = [
    "",
    " ",
    "'",
    "''",
    "') OR 1=1 --",
    "\\') OR 1=1 /*",
    "\\",
    "\\\\",
    "\\'",
    "' UNION SELECT * FROM BASE.ASSETS.ERC20_TOKEN_TRANSFERS --",
    "%s",
    "%(name)s %% %",
    "$$",
    "$1 :1 ?",
    "-- comment",
    "/* comment */",
    'a "quoted" name',
    "semi; DROP TABLE BASE.ASSETS.HOSTILE_VALUES;",
    "line\r\nbreak\ttab\bback",
    "\\n",
    "\x00",
    "before\x00after",
    "\x01\x1f\x7f",
    "🦄 e\u0301 ünïcödé \u202e\ufeff",
    "{{template}} ${HOME} `id`",
    "NULL",
    "null",
    "TRUE",
    "1",
    "innocent",
    "x" * 10_000,
]
IDENTIFIERS = [
    "",
    ".",
    "*",
    "..",
    '"id"',
    'id" OR "1"="1',
    "id'",
    "id;--",
    "id--",
    "id/**/",
    "id, x",
    "%s",
    "id\x00",
    "id\n",
    "ïd",
    "🦄",
    "$1",
    "a" * 256,
    "(SELECT 1)",
    "../../etc/passwd",
]
NAMES = [
    'quo""ted',
    "per%cent",
    "%s",
    "%(name)s",
    "single'quote",
    "semi;--",
    "back\\slash",
    "two words",
    "a,b",
    "a.b",
    "🦄 ünï",
    '"":null,',
    "select",
    "{}",
]


@pytest.fixture(scope="module")
def table(warehouse: Warehouse) -> str:
    name = warehouse.create("HOSTILE_VALUES", "BLOCK_TIMESTAMP TIMESTAMP_NTZ(9), NAME VARCHAR")
    moments = pa.array([1_772_323_200_000_000_000] * len(VALUES), pa.timestamp("ns"))
    warehouse.load(name, pa.table({"block_timestamp": moments, "name": VALUES}))
    return name


def test_a_filter_exports_the_rows_whose_value_equals_and_no_other(client: Client, table: str) -> None:
    long = [f"{number:090d}" for number in range(16_384 - len(VALUES) + 1)]
    # Each value alone, all harmless ones at once, and as many long ones as allowed, to match none.
    filters = [*([value] for value in VALUES), VALUES[:-2], [*long, *VALUES[1:]], long]
    with Receiver() as receiver:
        host = f"http://127.0.0.1:{receiver.port}"
        jobs = [
            client.create(
                table=table, destinations=[webhook("all", f"{host}/{number}")], column="name", values=values
            )
            for number, values in enumerate(filters)
        ]
        for job_id in jobs:
            client.completed(job_id, seconds=240)
        for number, values in enumerate(filters):
            of_job = [request for request in receiver.requests if request.path == f"/{number}"]
            assert sorted(_names(of_job)) == sorted(value for value in VALUES if value in set(values))


def _names(requests: list[Request]) -> list[str]:
    return [row["name"] for row in rows_once(requests)]


def test_names_of_columns_that_are_hostile_survive(
    stack: LocalStack, client: Client, warehouse: Warehouse
) -> None:
    # Numbers, because fakesnow's own record of text lengths refuses such names.
    columns = ", ".join(f'"{name}" NUMBER(38, 0)' for name in NAMES)
    table = warehouse.create("HOSTILE_NAMES", f"{columns}, BLOCK_TIMESTAMP TIMESTAMP_NTZ(9)")
    warehouse.insert(
        table, ", ".join(["%s"] * (len(NAMES) + 1)), [[*range(len(NAMES)), "2026-03-01T00:00:00"]]
    )
    job = client.completed(client.create(table=table, destinations=[kafka("hostile-names")]))
    topic = f"beam.{job['organization_id']}.hostile-names"
    ((_, value),) = committed(stack.endpoints["kafka_bootstrap"], topic)
    fields = [name.replace('""', '"').lower() for name in NAMES]
    expected = dict(zip(fields, range(len(NAMES)), strict=True)) | {"block_timestamp": "2026-03-01T00:00:00"}
    assert list(json.loads(value).items()) == list(expected.items())


def _bodies() -> dict[str, Any]:
    good = backfill("base.assets.hostile_values", [kafka("hostile-requests")])
    bodies: dict[str, Any] = {
        "16,385 values": good | {"filter": {"column": "name", "values": list(map(str, range(16_385)))}},
        "no values": good | {"filter": {"column": "name", "values": []}},
        "a value that is an object": good | {"filter": {"column": "name", "values": [{"$ne": None}]}},
        "a value that is half a character": good | {"filter": {"column": "name", "values": ["\ud800"]}},
        "10 MiB": b'{"job_name": "' + b"x" * 10 * 1024 * 1024 + b'"}',
        "10 MiB of values": good
        | {"filter": {"column": "name", "values": ["x" * 1000 for _ in range(10 * 1024)]}},
        "deep": b"[" * 1_000_000,
        "deep in a field": b'{"filter":' * 100_000,
        "not UTF-8": b'{"job_name": "\xff"}',
        "nothing": b"",
        "a NUL": b"\x00",
        "a huge number": b'{"job_name": 1' + b"0" * 100_000 + b"}",
        "infinity": b'{"job_name": 1e999999}',
        "a field twice": b'{"job_name": "a", "job_name": "b"}',
        "prototype": good | {"__proto__": {"job_name": "x"}, "constructor": 1},
    }
    for identifier in IDENTIFIERS:
        bodies[f"column {identifier}"] = good | {"filter": {"column": identifier, "values": ["x"]}}
        bodies[f"table {identifier}"] = good | {"table": f"base.assets.{identifier}"}
        bodies[f"schema {identifier}"] = good | {"table": f"base.{identifier}.hostile_values"}
        window = {"partition_key": identifier, "start": "2026-03-01", "end": "2026-03-02"}
        bodies[f"partition key {identifier}"] = good | {"backfill_window": window}
        for side in ("start", "end"):
            bodies[f"{side} {identifier}"] = good | {
                "backfill_window": good["backfill_window"] | {side: identifier}
            }
        # A topic may contain neither stars nor spaces.
        bodies[f"destination {identifier}"] = good | {"destinations": [kafka(f"{identifier} *")]}
        bodies[f"url {identifier}"] = good | {"destinations": [webhook("x", f"ftp://{identifier}")]}
        bodies[f"secret {identifier}"] = good | {
            "destinations": [webhook("x", "https://example.com/", f"{identifier}!")]
        }
    return bodies


@pytest.mark.usefixtures("table")
def test_a_hostile_body_is_refused_and_starts_nothing(client: Client, warehouse: Warehouse) -> None:
    before, unloads = len(client.list()), warehouse.unloads("")
    answers = {what: client.post(body) for what, body in _bodies().items()}
    statuses = {what: answer.status for what, answer in answers.items()}
    assert {what: status for what, status in statuses.items() if status not in {413, 422}} == {}
    assert (statuses["10 MiB"], statuses["10 MiB of values"], statuses["16,385 values"]) == (413, 413, 422)
    assert len(client.list()) == before
    assert warehouse.unloads("") == unloads


@pytest.mark.parametrize("path", ["/%00", "/..%2f..%2fetc", "/%ff", "/' OR 1=1 --", "/" + "x" * 4000, "//"])
def test_a_hostile_path_or_query_is_not_found(client: Client, path: str) -> None:
    url = f"{client.api_url}/api/v1/beam/backfills"
    headers = {"X-API-Key": client.api_key}
    assert call("GET", url + path, headers=headers).status == 404
    for name in ("limit", "cursor"):
        answer = call("GET", f"{url}?{name}={path}", headers=headers)
        assert answer.status == 422


@pytest.mark.parametrize("path", ["/favicon.ico", "/robots.txt", "/api/v1/beam/backfills/%0A/cancel"])
def test_no_path_is_answered_by_the_framework(client: Client, path: str) -> None:
    for headers, status in (({"X-API-Key": client.api_key}, 404), ({}, 401)):
        answer = call("POST", client.api_url + path, headers=headers)
        assert (answer.status, list(answer.json())) == (status, ["detail"])


@pytest.mark.parametrize("key", ["", "x", "' OR 1=1 --", "../../api_keys", "x" * 8000, "\xff"])
def test_a_hostile_key_opens_nothing(client: Client, key: str) -> None:
    url = f"{client.api_url}/api/v1/beam/backfills"
    assert call("GET", url, headers={"X-API-Key": key}).status == 401
