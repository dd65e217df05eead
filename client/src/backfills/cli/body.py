"""Build a backfill's request from a file and flags."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import click


def read(place: str) -> dict[str, Any]:
    """Read the file's fields; ``-`` is standard input. JSON, or YAML with JSON's scalars."""
    text = sys.stdin.read() if place == "-" else _text(place)
    try:
        found = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        if place.endswith(".json"):
            raise click.UsageError(f"{place} is not JSON: {error}") from error
        found = importlib.import_module("backfills.cli.yaml_file").parse(place, text)
    except RecursionError as error:
        raise click.UsageError(f"{place} is nested too deeply") from error
    try:
        json.dumps(found, allow_nan=False)
    except ValueError as error:
        raise click.UsageError(f"{place} contains a number that is not finite") from error
    if not isinstance(found, dict):
        raise click.UsageError(f"{place} must contain an object with the backfill's fields")
    return cast("dict[str, Any]", found)


def _text(place: str) -> str:
    try:
        return Path(place).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{place} cannot be read: {error}") from error


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise click.UsageError(f"The field {name} appears twice")
        found[name] = value
    return found


def join(fields: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the file's fields with the flags, which take precedence. ``flags``: named as click names them."""
    body = dict(fields)
    for flag, field in _PLAIN.items():
        if flags[flag] is not None:
            body[field] = flags[flag]
    window = {"partition_key": flags["partition_key"], "start": flags["start"], "end": flags["end"]}
    window = {name: _bound(value) for name, value in window.items() if value is not None}
    if window:
        before = body.get("backfill_window")
        body["backfill_window"] = {**(before if isinstance(before, dict) else {}), **window}
    if flags["filters"]:
        body["filter"] = _filter(flags["filters"])
    if flags["columns"]:
        body["columns"] = [_column(each) for each in flags["columns"]]
    if flags["destinations"]:
        body["destinations"] = [_destination(each) for each in flags["destinations"]]
    if "backfill_window" in body and isinstance(body["backfill_window"], dict):
        body["backfill_window"] = {"partition_key": "block_timestamp", **body["backfill_window"]}
    return body


_PLAIN = {
    "table": "table",
    "name": "job_name",
    "static_egress_ip": "static_egress_ip",
    "max_parallel_chunks": "max_parallel_chunks",
    "oversized_rows": "oversized_rows",
}


def _bound(text: str) -> str | int:
    """Parse a bound. Only digits mean a block number: a time has other characters too."""
    return int(text) if text.isascii() and text.isdigit() else text


def _filter(given: Iterable[str]) -> dict[str, Any]:
    pairs = [_pair(each, "--filter") for each in given]
    columns = {column for column, _ in pairs}
    if len(columns) > 1:
        raise click.UsageError(f"--filter takes one column, not {', '.join(sorted(columns))}")
    return {"column": pairs[0][0], "values": [value for _, value in pairs]}


def _column(text: str) -> str | dict[str, str]:
    column, separator, other = text.partition("=")
    return {"column": column, "as": other} if separator else column


def _destination(text: str) -> dict[str, Any]:
    """Parse ``TYPE:NAME,FIELD=VALUE,…``, or a JSON object."""
    if text.startswith("{"):
        try:
            found = json.loads(text, object_pairs_hook=_object)
        except json.JSONDecodeError as error:
            raise click.UsageError(f"--to {text!r} is not JSON: {error}") from error
        return dict(found)
    head, *fields = text.split(",")
    kind, separator, name = head.partition(":")
    if not (kind and separator and name):
        raise click.UsageError(f"--to {text!r}: give TYPE:NAME, for example kafka:transfers")
    return {"type": kind, "name": name, **dict(_pair(each, "--to") for each in fields)}


def _pair(text: str, flag: str) -> tuple[str, Any]:
    """Parse ``NAME=text`` or ``NAME:=JSON``."""
    name, separator, value = text.partition("=")
    if not separator or not name.rstrip(":"):
        raise click.UsageError(f"{flag} {text!r}: give NAME=TEXT, or NAME:=JSON for numbers and booleans")
    if not name.endswith(":"):
        return name, value
    try:
        return name[:-1], json.loads(value)
    except json.JSONDecodeError as error:
        raise click.UsageError(f"{flag} {text!r}: the value after := is not JSON: {error}") from error
