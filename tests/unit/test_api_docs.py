"""docs/api.md describes what the API does: its calls, fields, limits, and its example receiver."""

import json
import re
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.local.calls import call
from shared.config import read
from shared.destinations import KINDS
from shared.destinations.nats.spec import MOST_SERVERS
from shared.destinations.webhook.headers import MOST_HEADERS
from shared.destinations.webhook.sink import WebhookLimits
from shared.destinations.webhook.spec import MOST_BATCH_ROWS, MOST_REQUESTS
from shared.destinations.webhook.urls import MOST_URL_LENGTH
from shared.domain.errors import DestinationRefused
from shared.domain.idempotency import KEY_LIFETIME
from shared.domain.timestamps import MOST_FRACTION_DIGITS
from shared.unload.columns import SUPPORTED
from shared.web.answers import ListedBackfill
from shared.web.body import MOST_BODY_BYTES, MOST_DIGITS
from shared.web.idempotency import MOST_KEY_LENGTH
from shared.web.listing import MOST_PER_PAGE
from shared.web.models import MOST_FILTER_VALUES, CreateBackfill
from tests.fakes.documented import receiver as shown_receiver
from tests.fakes.sending import NumberedRows, SteadyPulse, delivery_to, webhook_destination
from tests.fakes.web import Service
from tests.fakes.webhook_sinks import SECRETS, FakeTime, loopback_connections, webhook_sink
from tests.generated import check_table
from tests.shown import block
from tests.unit import field_tables

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/api.md").read_text()
PATHS = Service().api.openapi["paths"]
OPERATIONS = {
    (method.upper(), path): operation
    for path, item in PATHS.items()
    for method, operation in item.items()
    if method != "parameters"
}

FIELDS = {name: set(kind.spec().model_fields) for name, kind in KINDS.items()}


def rows(heading: str, text: str = TEXT) -> list[list[str]]:
    """Return the cells of the first table below a heading."""
    table = f"\n{text}".split(f"\n{heading}\n", maxsplit=1)[1].split("\n|", maxsplit=2)[2]
    lines = table.split("\n\n", maxsplit=1)[0].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_calls_are_those_of_the_contract_with_their_statuses() -> None:
    written = {}
    for cell, answers, *refusals in rows("# The API"):
        (called,) = names(cell)
        method, path = called.split()
        written[method, path] = {*names(answers), *names(refusals[0] if refusals else "")}
    assert written == {call: operation["responses"].keys() for call, operation in OPERATIONS.items()}


def test_the_readmes_calls_are_those_of_the_contract() -> None:
    calls = [names(row[0])[0] for row in rows("## The API", (ROOT / "README.md").read_text())]
    assert sorted(calls) == sorted(" ".join(call) for call in OPERATIONS)


def test_every_error_of_the_contract_is_explained() -> None:
    answered = {status for operation in OPERATIONS.values() for status in operation["responses"]}
    assert {names(row[0])[0] for row in rows("## Errors")} == {
        status for status in answered if status >= "400"
    } | {"405"}


def test_the_fields_of_a_request_are_those_that_are_taken() -> None:
    fields = {names(row[0])[0]: row[1] for row in rows("## Create a backfill")}
    assert fields.keys() == CreateBackfill.model_fields.keys()
    required = {name for name, field in CreateBackfill.model_fields.items() if field.is_required()}
    assert {name for name, told in fields.items() if told == "required"} == required
    common = {names(row[0])[0] for row in rows("### Destinations")}
    assert common == set.intersection(*FIELDS.values()), 'docs/api.md, "Destinations": what all kinds have'


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_destination_has_a_page_that_tells_its_fields(kind: str) -> None:
    assert f"[`{kind}`](destinations/{kind}.md#fields)" in TEXT
    check_table(ROOT / f"docs/destinations/{kind}.md", field_tables.table(KINDS[kind].spec()))


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("webhook", f"| `url` | required | a text, at most {MOST_URL_LENGTH:,} characters | "),
        ("webhook", f"| `batch_rows` | | 1 to {MOST_BATCH_ROWS:,} | "),
        ("webhook", f"| `max_parallel_requests` | | 1 to {MOST_REQUESTS} | "),
        ("webhook", f"| `headers` | | 1 to {MOST_HEADERS} texts by name | "),
        ("nats", f"| `servers` | required | 1 to {MOST_SERVERS} texts | "),
        ("nats", "| `tls_first` | | `true`, `false` | "),
        ("gcs", "| `delivery` | | `exactly_once` | "),
        ("kafka", "| `format` | | `json` or an object | "),
    ],
)
def test_a_fields_values_are_told_in_words(kind: str, row: str) -> None:
    assert f"\n{row}" in field_tables.table(KINDS[kind].spec())


def test_the_types_of_columns_are_those_that_are_unloaded() -> None:
    told = {name for row in rows("## Rows") for name in names(row[0])}
    assert told == set(SUPPORTED), 'docs/api.md, "Rows": a row for each type of shared/unload/columns.py'


def test_the_types_in_avro_are_those_of_all_columns() -> None:
    text = (ROOT / "docs/destinations/kafka.md").read_text()
    table = text.split("\n| Snowflake's type |")[1].split("\n\n")[0]
    first_cells = " ".join(line.split(" | ")[0] for line in table.splitlines())
    missing = set(SUPPORTED) - {name.partition("(")[0] for name in names(first_cells)}
    assert not missing, f'docs/destinations/kafka.md, "Avro": a row for {missing}'


def test_its_example_is_accepted() -> None:
    Service().created(json.loads(block("docs/api.md", "request")))


def test_the_fields_of_a_job_are_those_that_are_answered() -> None:
    listed = [name for row in rows("## A job") for name in names(row[0])]
    assert sorted(listed) == sorted(ListedBackfill.__required_keys__)


@pytest.mark.parametrize(
    "sentence",
    [
        f"1 to {MOST_FILTER_VALUES:,} strings, numbers or booleans",
        f"at most {MOST_FRACTION_DIGITS} digits of a second's fraction",
        f"1 to {MOST_KEY_LENGTH} visible ASCII characters",
        f"within {KEY_LIFETIME // timedelta(hours=1)} hours",
        f"`limit` (1 to {MOST_PER_PAGE:,})",
        f"over {MOST_BODY_BYTES >> 20} MiB",
        f"integer with all its digits, up to {MOST_DIGITS}",
        "kept for {staged_files_days} days",
        "jobs that have not ended: {most_jobs_in_flight} unless",
        "array of rows: {webhook_batch_rows} unless",
        "within {request:.0f} seconds",
        "up to {in_flight} requests are in flight",
        "the service retries: {tries} times within seconds",
    ],
)
def test_the_limits_are_those_that_hold(sentence: str) -> None:
    settings, limits = read({"GOOGLE_CLOUD_PROJECT": "project"}), WebhookLimits(least=0.0)
    told = sentence.format(
        staged_files_days=settings.staged_files_days,
        most_jobs_in_flight=settings.most_jobs_in_flight,
        webhook_batch_rows=settings.webhook_batch_rows,
        request=limits.request,
        in_flight=limits.in_flight,
        tries=limits.tries,
    )
    assert told in " ".join(TEXT.split())


def test_the_defaults_of_a_webhook_are_those_that_hold() -> None:
    text = (ROOT / "docs/destinations/webhook.md").read_text()
    fields = {names(row[0])[0]: row[-1] for row in rows("## Fields", text)}
    default = read({"GOOGLE_CLOUD_PROJECT": "project"}).webhook_batch_rows
    assert f"{default} by default, unless" in fields["batch_rows"]
    assert f"{WebhookLimits(least=0.0).in_flight} by default" in fields["max_parallel_requests"]


class Now(FakeTime):
    """The receiver uses the real clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[str]:
    with shown_receiver(tmp_path, SECRETS["org123", "HOOK_KEY"]) as url:
        yield url


def test_the_receiver_stores_each_batch_once_and_refuses_what_is_not_signed(
    receiver: str, tmp_path: Path
) -> None:
    connections = loopback_connections()
    delivery = delivery_to(webhook_destination(receiver, "HOOK_KEY"), 25)
    for _ in range(2):
        sink = webhook_sink(connections, Now(), WebhookLimits(least=0.0, reserve=5.0))
        assert sink.deliver(delivery, NumberedRows(25), SteadyPulse())
    connections.close()
    forged = {"webhook-id": "forged", "webhook-timestamp": str(int(time.time())), "webhook-signature": "v1,"}
    answer = call("POST", receiver, body=b"[]", headers=forged, retries=False)
    assert answer.status == 401
    store = sqlite3.connect(tmp_path / "batches.db")
    kept = [json.loads(batch) for (batch,) in store.execute("SELECT rows FROM batches")]
    store.close()
    assert sorted(row["row"] for batch in kept for row in batch) == list(range(25))
    assert len(kept) == 3


def test_the_receiver_refuses_what_was_signed_long_ago(receiver: str) -> None:
    """An eavesdropper could replay a request: FakeTime's clock is in the past."""
    connections = loopback_connections()
    delivery = delivery_to(webhook_destination(receiver, "HOOK_KEY"), 5)
    sink = webhook_sink(connections, FakeTime())
    with pytest.raises(DestinationRefused, match="401"):
        sink.deliver(delivery, NumberedRows(5), SteadyPulse())
    connections.close()
