"""A backfill's request. The service validates it; this module only converts times to text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _bound(value: Any) -> Any:
    """Convert a datetime for the service; without an offset it stays unchanged, which means UTC there."""
    if not isinstance(value, datetime):
        return value
    return (value.astimezone(timezone.utc) if value.tzinfo else value).replace(tzinfo=None).isoformat()


# A datetime is accepted and becomes text; the type names it for type checkers.
Bound = Annotated[str | int | datetime, BeforeValidator(_bound)]


class _Part(BaseModel):
    # Send unknown fields too: the service may know them, and refuses them otherwise.
    model_config = ConfigDict(extra="allow", populate_by_name=True)


class Window(_Part):
    """The slice ``start <= partition_key < end``; bounds are datetimes, ISO 8601 or block numbers."""

    start: Bound
    end: Bound
    partition_key: str = "block_timestamp"


class Filter(_Part):
    """Selects rows whose ``column`` has one of ``values``, which all have one type."""

    column: str
    values: list[str | int | float | bool]


class NewBackfill(_Part):
    """The body of a create or an estimate; an estimate needs neither name nor destinations.

    >>> new = NewBackfill(
    ...     job_name="One day",
    ...     table="base.assets.erc20_token_transfers",
    ...     backfill_window=Window(start="2026-03-01T00:00:00", end="2026-03-02T00:00:00"),
    ...     destinations=[{"type": "kafka", "name": "transfers"}],
    ... )
    >>> new.body()["backfill_window"]["partition_key"]
    'block_timestamp'
    """

    table: str
    backfill_window: Window
    job_name: str | None = None
    filter: Filter | None = None
    columns: list[str | dict[str, str]] | None = None
    destinations: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])
    static_egress_ip: bool | None = None
    max_parallel_chunks: int | None = None
    oversized_rows: Literal["fail", "skip"] | None = None

    def body(self) -> dict[str, Any]:
        """Return the given fields, as they are sent. None means that a field is not given."""
        fields = self.model_dump(mode="json", exclude_none=True)
        # Send an empty list that was given, so that the service refuses it. No `columns` means all columns.
        return {name: value for name, value in fields.items() if value != [] or name in self.model_fields_set}


def body_of(new: NewBackfill | Mapping[str, Any]) -> dict[str, Any]:
    """Return the body. A mapping is sent unchanged, whatever its content."""
    return new.body() if isinstance(new, NewBackfill) else dict(new)
