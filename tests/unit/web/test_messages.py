"""Texts for people: no answer shows a regular expression, or hides one of a field's forms."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.web import Service, backfill

Loc = list[str | int]

SERVICE = Service(
    allow_insecure_destinations=True, aws_role_arn="arn:aws:iam::1:role/x", schema_registry=True
)
SCHEMAS = SERVICE.api.openapi["components"]["schemas"]
BAD = "é\né"  # which no pattern accepts


def violated(schema: dict[str, Any]) -> Iterator[tuple[str, Any, Loc]]:
    """Yield each pattern below the schema, with a value that violates it, and the text's place therein."""
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]]
    if "pattern" in schema:
        yield schema["pattern"], BAD, []
    for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from violated(one)
    properties = schema.get("properties", {})
    tag = {name: field["const"] for name, field in properties.items() if "const" in field}
    for name, field in properties.items():
        for pattern, value, loc in violated(field):
            yield pattern, {**tag, name: value}, [name, *loc]
    if "items" in schema:
        for pattern, value, loc in violated(schema["items"]):
            yield pattern, [value], [0, *loc]
    if "propertyNames" in schema:
        yield schema["propertyNames"]["pattern"], {BAD: "VALUE"}, [BAD, "[key]"]
        yield schema["additionalProperties"]["pattern"], {"X-A": BAD}, ["X-A"]


PATTERNED = list(violated(SCHEMAS["CreateBackfill"]))


@pytest.mark.parametrize(
    ("pattern", "value", "loc"), PATTERNED, ids=[".".join(map(str, loc)) for _, _, loc in PATTERNED]
)
def test_no_fault_shows_the_pattern_that_a_text_violates(pattern: str, value: Any, loc: Loc) -> None:
    assert not re.search(pattern, BAD)
    faults = SERVICE.faults(backfill(**value))
    assert ["body", *loc] in [fault["loc"] for fault in faults]
    for fault in faults:
        assert pattern not in fault["msg"]
        assert not re.search(r"should match|\^|\[[A-Za-z]-[A-Za-z]|\{[0-9,]+\}|\\", fault["msg"]), fault[
            "msg"
        ]


def test_every_kind_of_destination_and_both_forms_of_a_column_have_patterns() -> None:
    given = [value for _, value, _ in PATTERNED]
    kinds = {value["destinations"][0]["type"] for value in given if "destinations" in value}
    assert kinds >= {"kafka", "external_kafka", "webhook", "gcs", "pubsub", "sns", "nats"}
    columns = [value["columns"] for value in given if "columns" in value]
    assert columns == [[BAD], [{"column": BAD}], [{"as": BAD}]]


def message(**changes: Any) -> str:
    (fault,) = SERVICE.faults(backfill(**changes))
    return str(fault["msg"])


@pytest.mark.parametrize("column", [5, None, True, ["a"]])
def test_a_column_is_a_name_or_an_object(column: Any) -> None:
    assert message(columns=[column]) == "Give a column's name, or an object of column and as"


@pytest.mark.parametrize("kind", ["kafka", "external_kafka"])
@pytest.mark.parametrize("given", ["avro", 7, False, ["json"]])
def test_a_format_is_json_or_avro(kind: str, given: Any) -> None:
    theirs = {"bootstrap_servers": "b:9092", "topic": "rows"} if kind == "external_kafka" else {}
    told = message(destinations=[{"type": kind, "name": "k", "format": given, **theirs}])
    assert told == 'Give "json", or an object of type "avro" and a registry'


@pytest.mark.parametrize("given", ["mine", 7, None])
def test_a_registry_is_an_object_or_the_services_own(given: Any) -> None:
    told = message(
        destinations=[{"type": "kafka", "name": "k", "format": {"type": "avro", "registry": given}}]
    )
    assert told == 'Give an object with the url of your registry, or "default" for the service\'s own'


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"compression": "br"}, "Input should be 'gzip' or 'zstd'"),
        ({"headers": ["X-A"]}, "Give a JSON object"),
        ({"name": 5}, "Input should be a valid string"),
    ],
)
def test_other_values_are_told_as_they_are(options: dict[str, Any], told: str) -> None:
    hook = {"type": "webhook", "name": "hook", "url": "https://example.com/"}
    assert message(destinations=[hook | options]) == told


def test_servers_with_a_space_are_told_so() -> None:
    theirs = {"type": "external_kafka", "name": "k", "bootstrap_servers": "b:9092, c:9092", "topic": "rows"}
    assert "no spaces" in message(destinations=[theirs])
