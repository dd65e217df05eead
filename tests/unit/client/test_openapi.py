"""The client's calls, answers and errors are those of the API's OpenAPI document."""

import copy
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from pydantic import TypeAdapter

from backfills import Client
from backfills.models import Answer
from backfills.tries import _REFUSALS
from tests.fakes.web import Service
from tests.unit.client.methods_table import errors_of

DOCUMENT = Service().api.openapi
SCHEMAS = DOCUMENT["components"]["schemas"]
METHODS = {
    "createBackfill": "create",
    "estimateBackfill": "estimate",
    "listBackfills": "list",
    "getBackfill": "get",
    "getReceipt": "receipt",
    "getReceiptChunks": "receipt_chunks",
    "cancelBackfill": "cancel",
    "retryBackfill": "retry",
    "pauseBackfill": "pause",
    "resumeBackfill": "resume",
}
# The caller gives this call no value that the service could find invalid.
WITHOUT_422 = {"receipt_chunks"}
Json = dict[str, Any]


def operations() -> dict[str, Json]:
    """Return the operations that need a key, by name."""
    found = [one for path in DOCUMENT["paths"].values() for one in path.values() if isinstance(one, dict)]
    return {one["operationId"]: one for one in found if one.get("security") != []}


def answer_of(operation: Json) -> Json:
    """Return the schema of one answer, or of one item of a list."""
    [success] = [one for status, one in operation["responses"].items() if status.startswith("2")]
    [content] = success["content"].values()
    schema: Json = content.get("x-item-schema", content["schema"])
    item: Json = schema.get("items", schema)
    return item


def model_of(method: str) -> type[Answer]:
    """Return the model that the call returns or yields."""
    hint = get_type_hints(getattr(Client, method))["return"]
    model: type[Answer] = get_args(hint)[0] if get_origin(hint) else hint
    return model


def forms(schema: Json, definitions: Json) -> list[Json]:
    """Return the alternatives of a schema, without references."""
    if "$ref" in schema:
        return forms(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return [form for one in schema[several] for form in forms(one, definitions)]
    return [schema]


def differences(place: str, service: Json, client: Json, definitions: Json) -> Iterator[str]:
    """Yield what the service may send and the client does not declare, or the reverse."""
    ours = forms(client, definitions)
    if ours == [{}]:  # Any
        return
    for theirs in forms(service, SCHEMAS):
        same = [one for one in ours if accepts(one, theirs)]
        if same:
            yield from inner(place, theirs, same[0], definitions)
        else:
            yield f"{place}: {theirs.get('enum') or theirs['type']}"


def accepts(ours: Json, theirs: Json) -> bool:
    values = "enum" not in ours or set(theirs.get("enum", [None])) <= set(ours["enum"])
    return values and ours.get("type") == theirs["type"]


def inner(place: str, theirs: Json, ours: Json, definitions: Json) -> Iterator[str]:
    for part in ("items", "additionalProperties"):
        if isinstance(theirs.get(part), dict):
            yield from differences(f"{place}[]", theirs[part], ours[part], definitions)
    sent, declared = theirs.get("properties", {}), ours.get("properties", {})
    undeclared, never_sent = sent.keys() - declared.keys(), declared.keys() - sent.keys()
    if ours.get("title") == "Destination":
        undeclared &= COMMON  # the others are in `options`
        never_sent -= {"state"}  # the list of jobs has none
    for name in undeclared | never_sent | (set(ours.get("required", ())) - set(theirs.get("required", ()))):
        yield f"{place}.{name}"
    for name in sent.keys() & declared.keys():
        yield from differences(f"{place}.{name}", sent[name], declared[name], definitions)


COMMON = set.intersection(*(set(one["properties"]) for one in SCHEMAS["DestinationWithState"]["oneOf"]))


def found(service: Json, model: type[Answer]) -> list[str]:
    client = TypeAdapter(model).json_schema()
    return sorted(differences(model.__name__, service, client, client.get("$defs", {})))


def test_every_call_of_the_api_is_a_call_of_the_client() -> None:
    assert operations().keys() == METHODS.keys()


@pytest.mark.parametrize("operation", METHODS)
def test_an_answer_has_the_fields_and_types_of_the_document(operation: str) -> None:
    assert found(answer_of(operations()[operation]), model_of(METHODS[operation])) == []


def _spoiled(change: Callable[[Json], None]) -> Json:
    service: Json = copy.deepcopy(SCHEMAS["EstimatedBackfill"])
    change(service)
    return service


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda it: it["properties"].update(later={"type": "string"}), "Estimate.later"),
        (lambda it: it["properties"].pop("cost"), "Estimate.cost"),
        (lambda it: it["required"].remove("rows"), "Estimate.rows"),
        (lambda it: it["properties"].update(rows={"type": "string"}), "Estimate.rows: string"),
        (
            lambda it: it["properties"].update(cost={"anyOf": [it["properties"]["rows"]]}),
            "Estimate.cost: integer",
        ),
    ],
)
def test_a_difference_is_found(change: Callable[[Json], None], told: str) -> None:
    assert found(_spoiled(change), model_of("estimate")) == [told]


@pytest.mark.parametrize("operation", METHODS)
def test_a_calls_docstring_names_the_errors_of_the_document(operation: str) -> None:
    method = METHODS[operation]
    statuses = {int(status) for status in operations()[operation]["responses"]}
    of_all = {401} | ({422} if method in WITHOUT_422 else set())
    expected = {kind.__name__ for status, kind in _REFUSALS.items() if status in statuses - of_all}
    assert set(errors_of(getattr(Client, method))) == expected
    assert 401 in statuses
