"""Validates a create request by the models' rules and by rules between fields. It reports all faults at
once.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from shared.destinations import KINDS
from shared.destinations.spec import OBJECT, TEXT
from shared.domain.catalog import TableNotOffered, table_name
from shared.domain.sizes import MOST_BYTES, chosen_bytes, stored_bytes
from shared.web.body import UnusableNumber
from shared.web.create import choices
from shared.web.errors import Fault, Invalid
from shared.web.models import CreateBackfill, EstimateBackfill, Rules

Request = TypeVar("Request", bound=CreateBackfill)

_SUPPORTED_TYPES = ", ".join(KINDS)
_MESSAGES = {
    "extra_forbidden": "Unknown field",
    "union_tag_invalid": f"Not a supported destination type; supported are {_SUPPORTED_TYPES}",
    "union_tag_not_found": f"Field required; supported are {_SUPPORTED_TYPES}",
    "model_type": "Give a JSON object",
    "model_attributes_type": "Give a JSON object",
    "dict_type": "Give a JSON object",
    "list_type": "Give a JSON array",
    "too_long": "At most {max_length} items",
    "too_short": "At least {min_length} item",
}
_PARTS = 2  # ("destinations", index)


def read_backfill(body: Any, rules: Rules, found: Sequence[Fault] = ()) -> CreateBackfill:
    """Return the validated request. Raises Invalid with all its faults, including those in ``found``."""
    return _read(CreateBackfill, body, rules, found)


def read_estimate(body: Any, rules: Rules) -> EstimateBackfill:
    """Validate an estimate request like ``read_backfill``."""
    return _read(EstimateBackfill, body, rules, ())


def _read(kind: type[Request], body: Any, rules: Rules, found: Sequence[Fault]) -> Request:
    request, faults = _validated(kind, body, rules)
    faults = [*found, *faults]
    if isinstance(body, Mapping):
        # Check the raw body, because models check rules between fields only if all fields are valid.
        faults += _between_fields(body)
        faults += _destinations_twice(body)
        faults += _places_twice(body)
        faults += _names_twice(body)
        faults += _types_mixed(body)
        faults += _window_by_block(body, rules)
    if request is not None:
        faults += _too_large(request)
    if faults or request is None:
        raise Invalid(faults)
    return request


def _validated(kind: type[Request], body: Any, rules: Rules) -> tuple[Request | None, list[Fault]]:
    """Return the request or its faults by the models' rules."""
    try:
        return kind.model_validate(body, context=rules), []
    except ValidationError as error:
        found = [(_fault(details), details) for details in error.errors(include_url=False)]
    cut = [(fault, details) for fault, details in found if _is_cut(details)]
    if not cut:
        return None, [fault for fault, _ in found]
    for fault, details in cut:
        body = _first(body, fault["loc"][1:], details["ctx"]["max_length"])
    _, faults = _validated(kind, body, rules)
    return None, [fault for fault, _ in cut] + faults


def _is_cut(details: ErrorDetails) -> bool:
    """Return whether a list is too long: pydantic then tells of no fault of its items."""
    return details["type"] == "too_long" and isinstance(details["input"], list)


def _first(value: Any, loc: Sequence[str | int], most: int) -> Any:
    """Return the JSON value with only the first items of the list at ``loc``."""
    if not loc:
        return value[:most]
    changed = copy.copy(value)
    changed[loc[0]] = _first(value[loc[0]], loc[1:], most)
    return changed


def _fault(details: ErrorDetails) -> Fault:
    loc, kind = list(details["loc"]), details["type"]
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        loc.append("type")
    elif len(loc) > _PARTS and loc[0] == "destinations":
        # pydantic adds the union's member here, which is not part of the location in the body.
        del loc[_PARTS]
    loc = [part for part in loc if part not in {TEXT, OBJECT}]
    if kind == "window_order":
        del loc[-1]  # it is a fault of both bounds, found at the second one
    # Only our own texts are templates. Pydantic's texts may quote a pattern with braces.
    message = _MESSAGES[kind].format_map(details.get("ctx", {})) if kind in _MESSAGES else details["msg"]
    return Fault(loc=["body", *loc], msg=message, type=kind)


def _too_large(request: CreateBackfill) -> Iterator[Fault]:
    """Only a valid request is measured: any other one may have more items than a record."""
    columns = chosen_bytes(choices(request))
    destinations = stored_bytes([one.model_dump(mode="json") for one in request.destinations])
    if columns + destinations > MOST_BYTES:
        message = (
            f"A job's record holds {MOST_BYTES:,} bytes of columns and destinations. These columns need"
            f" {columns:,}, and these destinations {destinations:,}: choose fewer columns, shorter names, or"
            " fewer headers"
        )
        yield Fault(loc=["body"], msg=message, type="record_too_large")


def _destinations_twice(body: Mapping[str, Any]) -> Iterator[Fault]:
    destinations = body.get("destinations")
    seen: set[tuple[str, str]] = set()
    for index, destination in enumerate(destinations if isinstance(destinations, list) else []):
        if not isinstance(destination, Mapping):
            continue
        kind, name = destination.get("type"), destination.get("name")
        if not isinstance(kind, str) or not isinstance(name, str):
            continue
        if (kind, name) in seen:
            message = "Another destination of this type has this name"
            yield Fault(loc=["body", "destinations", index, "name"], msg=message, type="destination_twice")
        seen.add((kind, name))


def _places_twice(body: Mapping[str, Any]) -> Iterator[Fault]:
    seen: set[tuple[str, ...]] = set()
    for index, kind, destination in _of_known_kinds(body):
        place = KINDS[kind].spec().place(destination)
        if place is None:
            continue
        if (kind, *place.values) in seen:
            loc: list[str | int] = ["body", "destinations", index, place.field]
            yield Fault(loc=loc, msg=place.fault, type="place_twice")
        seen.add((kind, *place.values))


def _between_fields(body: Mapping[str, Any]) -> Iterator[Fault]:
    for index, kind, destination in _of_known_kinds(body):
        for error in KINDS[kind].spec().between(destination):
            yield Fault(loc=["body", "destinations", index], msg=error.message(), type=error.type)


def _of_known_kinds(body: Mapping[str, Any]) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    """Yield the destinations whose kind is known, each with its index and its kind."""
    destinations = body.get("destinations")
    for index, destination in enumerate(destinations if isinstance(destinations, list) else []):
        kind = destination.get("type") if isinstance(destination, Mapping) else None
        if isinstance(kind, str) and kind in KINDS:
            yield index, kind, destination


def _names_twice(body: Mapping[str, Any]) -> Iterator[Fault]:
    columns = body.get("columns")
    seen: set[str] = set()
    for index, column in enumerate(columns if isinstance(columns, list) else []):
        where, name = ([], column) if isinstance(column, str) else (["as"], _renamed(column))
        if not isinstance(name, str):
            continue
        if name.lower() in seen:
            message = "Another field has this name, perhaps in different case"
            yield Fault(loc=["body", "columns", index, *where], msg=message, type="column_twice")
        seen.add(name.lower())


def _renamed(column: Any) -> Any:
    return column.get("as") if isinstance(column, Mapping) else None


def _types_mixed(body: Mapping[str, Any]) -> Iterator[Fault]:
    given = body.get("filter")
    values = given.get("values") if isinstance(given, Mapping) else None
    begins: dict[str, int] = {}
    for index, value in enumerate(values if isinstance(values, list) else []):
        if kind := _json_type(value):
            begins.setdefault(kind, index)
    if len(begins) > 1:
        (first, at), (other, then), *_ = begins.items()
        message = f"One type per list: values[{at}] is a {first}, values[{then}] a {other}"
        yield Fault(loc=["body", "filter", "values"], msg=message, type="mixed_types")


def _json_type(value: Any) -> str | None:
    """Return the type of a value that a filter may have."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    return "number" if isinstance(value, int | float | UnusableNumber) else None


def _window_by_block(body: Mapping[str, Any], rules: Rules) -> Iterator[Fault]:
    window, table = body.get("backfill_window"), body.get("table")
    if (
        not isinstance(window, Mapping)
        or window.get("partition_key") != "block"
        or not isinstance(table, str)
    ):
        return
    try:
        entry = rules.catalog.entry(table_name(table))
    except (ValueError, TableNotOffered):
        return
    if entry.block_column is None:
        message = "The table has no window by block: use block_timestamp"
        yield Fault(loc=["body", "backfill_window", "partition_key"], msg=message, type="block_not_supported")
