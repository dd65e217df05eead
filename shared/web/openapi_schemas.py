"""The schemas of the OpenAPI document: the models' schemas, restricted to what this deployment accepts.

Requests generated from them are valid except for two rules that no schema can express: a window's start must
be before its end, and each pair of a destination's type and name must be unique.
"""

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from shared.destinations import KINDS
from shared.domain.catalog import IDENTIFIER, Catalog
from shared.web.answers import Backfill, CreatedBackfill, ListedBackfill
from shared.web.errors import Fault
from shared.web.estimates import EstimatedBackfill
from shared.web.models import CreateBackfill, EstimateBackfill, Rules
from shared.web.receipts import Receipt, ReceiptChunk

REFERENCE = "#/components/schemas/{model}"


class Problem(TypedDict):
    """An error with one sentence."""

    detail: str


class InvalidRequest(TypedDict):
    """An invalid request, with one entry for each fault."""

    detail: list[Fault]


def schemas(rules: Rules) -> dict[str, Any]:
    """Return the document's schemas by name."""
    mode: Literal["validation"] = "validation"
    kinds = (
        CreateBackfill,
        CreatedBackfill,
        EstimateBackfill,
        EstimatedBackfill,
        ListedBackfill,
        Backfill,
        Receipt,
        ReceiptChunk,
        Problem,
        InvalidRequest,
    )
    adapters = [(kind.__name__, mode, TypeAdapter(kind)) for kind in kinds]
    _, definitions = TypeAdapter.json_schemas(adapters, ref_template=REFERENCE)
    found: dict[str, Any] = definitions["$defs"]
    window = found["BackfillWindow"]["properties"]
    for name in ("CreateBackfill", "EstimateBackfill"):
        create = found[name]["properties"]
        parallel, _null = create["max_parallel_chunks"]["anyOf"]
        parallel["maximum"] = rules.chunks_in_flight
        create["table"]["pattern"] = _tables(rules.catalog)
    specs = [kind.spec() for kind in KINDS.values()]
    for name in ("ShownDestination", "DestinationWithState"):
        found[name] = _shown(found[name], [found[spec.__name__] for spec in specs])
    for model in {part for spec in specs for part in (spec, *spec.parts())}:
        model.narrow(found[model.__name__], rules)
    if all(entry.block_column is None for entry in rules.catalog.entries):
        window["partition_key"] = {"type": "string", "const": "block_timestamp"}
        for name in ("start", "end"):
            timestamp, _block = window[name].pop("anyOf")
            window[name] |= timestamp | {
                "description": f"{window[name]['description']} {timestamp['description']}"
            }
    return found


def _shown(common: Mapping[str, Any], specs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the schema of a destination in responses: its kind's given fields, and the service's own
    ones.
    """
    kinds = [
        {
            "type": "object",
            "title": spec["title"],
            "properties": {
                **common["properties"],
                **{name: _given(field) for name, field in spec["properties"].items()},
            },
            "required": sorted({*common["required"], *spec["required"]}),
        }
        for spec in specs
    ]
    return {"title": common["title"], "description": common["description"], "oneOf": kinds}


def _given(field: Mapping[str, Any]) -> dict[str, Any]:
    """Return the field's schema for a present field, without null."""
    shown = {name: copy.deepcopy(value) for name, value in field.items() if name != "default"}
    kinds = [kind for kind in shown.pop("anyOf", []) if kind != {"type": "null"}]
    return shown | (kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {})


def _tables(catalog: Catalog) -> str:
    entries = [r"\.".join(_part(part) for part in entry.tables.split(".")) for entry in catalog.entries]
    return f"^({'|'.join(entries)})$"


def _part(name: str) -> str:
    """Return the pattern of one part of a table's name, without regard to case."""
    if name == "*":
        return IDENTIFIER
    return "".join(
        f"[{letter.upper()}{letter.lower()}]" if letter.isalpha() else re.escape(letter) for letter in name
    )
