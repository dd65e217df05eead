"""The API's response to an estimate request. The same types describe it in the OpenAPI document."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from typing_extensions import TypedDict

from shared.destinations import KINDS, destination
from shared.domain import prices
from shared.domain.estimate import ASSUMPTIONS, Estimate, Range
from shared.domain.jobs import Window
from shared.domain.slices import Facts, Slice, SliceRefused
from shared.web.create import choices
from shared.web.errors import Fault, Invalid
from shared.web.models import EstimateBackfill


class DollarRange(TypedDict):
    """A range in US dollars."""

    low: float
    high: float


class Cost(TypedDict):
    """The job's estimated cost, by part, and the assumptions.

    ``prices_of``: the month of the list prices.
    """

    currency: Literal["USD"]
    low: float
    high: float
    parts: dict[str, DollarRange]
    prices_of: str
    assumptions: list[str]


class EstimatedBackfill(TypedDict):
    """``rows`` is exact. ``chunks`` and ``bytes`` (of the rows as JSON) are estimated from a sample.

    ``first_rows``: up to 5 rows as they would arrive. ``warnings``: sentences about likely mistakes.
    """

    rows: int
    chunks: int
    bytes: int
    first_rows: list[dict[str, Any]]
    warnings: list[str]
    cost: Cost


FIRST_ROWS = 5


def slice_of(request: EstimateBackfill, organization_id: str) -> Slice:
    """Return the slice to query in Snowflake."""
    window, keys, looked_at = request.backfill_window, [], []
    for place, one in enumerate(request.destinations):
        given = one.model_dump(mode="json", exclude_none=True)
        traits = destination(**given, uid="").traits
        if traits.key_column is not None:
            keys.append((place, traits.key_field, traits.key_column))
        if KINDS[given["type"]].presence is not None:
            looked_at.append((place, {**given, "uid": ""}))
    return Slice(
        organization_id,
        request.table,
        Window(window.partition_key, str(window.start), str(window.end)),
        request.filter.column if request.filter else None,
        tuple(request.filter.values) if request.filter else (),
        choices(request),
        tuple(keys),
        tuple(looked_at),
    )


def encoded(facts: Facts, estimate: Estimate) -> bytes:
    """Return the response, an EstimatedBackfill. Its rows keep all digits of their numbers."""
    shown = EstimatedBackfill(
        rows=estimate.rows,
        chunks=estimate.chunks,
        bytes=estimate.size,
        first_rows=[],
        warnings=list(estimate.warnings),
        cost=_cost(estimate.cost),
    )
    fields = {name: json.dumps(value, ensure_ascii=False) for name, value in shown.items()}
    fields["first_rows"] = f"[{', '.join(facts.sample[:FIRST_ROWS])}]"
    body = ", ".join(f'"{name}": {value}' for name, value in fields.items())
    return f"{{{body}}}".encode("utf-8", "backslashreplace")


def invalid(error: SliceRefused) -> Invalid:
    """Return the refusal of a request for something that the table lacks."""
    return Invalid(
        [
            Fault(loc=["body", *fault.loc], msg=fault.message, type="not_in_snowflake")
            for fault in error.faults
        ]
    )


def _cost(parts: Mapping[str, Range]) -> Cost:
    return Cost(
        currency="USD",
        low=_dollars(sum(part.low for part in parts.values())),
        high=_dollars(sum(part.high for part in parts.values())),
        parts={
            name: DollarRange(low=_dollars(part.low), high=_dollars(part.high))
            for name, part in parts.items()
        },
        prices_of=prices.READ_IN,
        assumptions=list(ASSUMPTIONS),
    )


def _dollars(amount: float) -> float:
    return round(amount, 6)
