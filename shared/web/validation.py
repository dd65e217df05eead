"""Validates a create request by the models' rules and by rules between fields. It reports all faults at
once.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from shared.destinations import KINDS
from shared.destinations.spec import OBJECT, TEXT
from shared.domain.catalog import TableNotOffered, table_name
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
    request = None
    faults = list(found)
    try:
        request = kind.model_validate(body, context=rules)
    except ValidationError as error:
        faults += [_fault(details) for details in error.errors(include_url=False, include_input=False)]
    if isinstance(body, Mapping):
        # Check the raw body, because models check rules between fields only if all fields are valid.
        faults += _destinations_twice(body)
        faults += _places_twice(body)
        faults += _names_twice(body)
        faults += _window_by_block(body, rules)
    if faults or request is None:
        raise Invalid(faults)
    return request


def _fault(details: ErrorDetails) -> Fault:
    loc, kind = list(details["loc"]), details["type"]
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        loc.append("type")
    elif len(loc) > _PARTS and loc[0] in {"destinations", "columns"}:
        # pydantic adds the union's member here, which is not part of the location in the body.
        del loc[_PARTS]
    loc = [part for part in loc if part not in {TEXT, OBJECT}]
    # Only our own texts are templates. Pydantic's texts may quote a pattern with braces.
    message = _MESSAGES[kind].format_map(details.get("ctx", {})) if kind in _MESSAGES else details["msg"]
    return Fault(loc=["body", *loc], msg=message, type=kind)


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
    destinations = body.get("destinations")
    seen: set[tuple[str, ...]] = set()
    for index, destination in enumerate(destinations if isinstance(destinations, list) else []):
        kind = destination.get("type") if isinstance(destination, Mapping) else None
        if not isinstance(kind, str) or kind not in KINDS:
            continue
        place = KINDS[kind].spec().place(destination)
        if place is None:
            continue
        if (kind, *place.values) in seen:
            loc: list[str | int] = ["body", "destinations", index, place.field]
            yield Fault(loc=loc, msg=place.fault, type="place_twice")
        seen.add((kind, *place.values))


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
