"""What a backfill is asked for with. The service validates; here only times become text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _bound(value: Any) -> Any:
    """A datetime as the service reads it; one without an offset is UTC there, and so stays as it is."""
    if not isinstance(value, datetime):
        return value
    return (value.astimezone(timezone.utc) if value.tzinfo else value).replace(tzinfo=None).isoformat()


Bound = Annotated[str | int, BeforeValidator(_bound)]


class _Part(BaseModel):
    # What this library does not know is sent on: the service may know it, else it refuses it.
    model_config = ConfigDict(extra="allow", populate_by_name=True)


class Window(_Part):
    """The slice ``start <= partition_key < end``; bounds are datetimes, ISO 8601 or numbers of blocks."""

    start: Bound
    end: Bound
    partition_key: str = "block_timestamp"


class Filter(_Part):
    """Only rows whose ``column`` is one of ``values``, which are all of one type."""

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
        """What is sent: the fields that were given."""
        fields = self.model_dump(mode="json", exclude_none=True)
        return {name: value for name, value in fields.items() if value != []}


def body_of(new: NewBackfill | Mapping[str, Any]) -> dict[str, Any]:
    """A mapping is sent as it is, whatever it holds."""
    return new.body() if isinstance(new, NewBackfill) else dict(new)
