"""Rules of create requests that no schema can express, for schemathesis."""

from typing import Any

import schemathesis

from shared.domain import timestamps


@schemathesis.hook
def map_body(_context: schemathesis.HookContext, body: Any) -> Any:
    """Swap a window's bounds if its start is after its end, and give two destinations different names."""
    if not isinstance(body, dict):
        return body
    window, destinations = body.get("backfill_window"), body.get("destinations")
    if isinstance(window, dict) and _order(window.get("start")) > _order(window.get("end")) > ("", ""):
        body = body | {"backfill_window": window | {"start": window["end"], "end": window["start"]}}
    if isinstance(destinations, list):
        body = body | {"destinations": _told_apart(destinations)}
    return body


@schemathesis.hook
def before_call(
    _context: schemathesis.HookContext, case: schemathesis.Case[Any], _kwargs: dict[str, Any]
) -> None:
    """Remove fields and headers whose name another one has in another case: only the schema allows both.

    Not every phase allows the mapping of its bodies.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive or not isinstance(case.body, dict):
        return
    destinations = case.body.get("destinations")
    if isinstance(destinations, list):
        case.body = {**case.body, "destinations": [_each_header_once(one) for one in destinations]}
    columns = case.body.get("columns")
    if isinstance(columns, list):
        case.body = {**case.body, "columns": _of_different_names(columns)}


@schemathesis.hook
def filter_body(_context: schemathesis.HookContext, body: Any) -> bool:
    """Skip windows that begin where they end."""
    window = body.get("backfill_window") if isinstance(body, dict) else None
    if not isinstance(window, dict):
        return True
    start, end = _order(window.get("start")), _order(window.get("end"))
    return start != end or start == ("", "")


def _order(bound: Any) -> tuple[str, str]:
    """Return a time's sort key; values that are not times come first."""
    try:
        return timestamps.order(timestamps.canonical(bound))
    except (TypeError, ValueError):
        return "", ""


def _each_header_once(destination: Any) -> Any:
    """Remove all headers if one of them appears twice, ignoring case."""
    if not isinstance(destination, dict):
        return destination
    given = [destination.get(field) for field in ("headers", "secret_headers")]
    names = [name.lower() for headers in given if isinstance(headers, dict) for name in headers]
    if len(names) == len(set(names)):
        return destination
    return {name: value for name, value in destination.items() if name not in {"headers", "secret_headers"}}


def _of_different_names(columns: list[Any]) -> list[Any]:
    named: set[str] = set()
    different = []
    for column in columns:
        name = column.get("as") if isinstance(column, dict) else column
        if isinstance(name, str):
            if name.lower() in named:
                continue
            named.add(name.lower())
        different.append(column)
    return different


def _told_apart(destinations: list[Any]) -> list[Any]:
    named: set[tuple[Any, Any]] = set()
    apart = []
    for number, destination in enumerate(destinations):
        kind, name = (
            (destination.get("type"), destination.get("name"))
            if isinstance(destination, dict)
            else (None, None)
        )
        if isinstance(kind, str) and isinstance(name, str):
            if (kind, name) in named:
                # Keep the length, so that a name that is too long stays so.
                destination = destination | {"name": f"{name[: -len(str(number))]}{number}"}  # noqa: PLW2901
            named.add((kind, destination["name"]))
        apart.append(destination)
    return apart
