"""Estimate: query a slice in Snowflake without unloading it.

The step runs two queries with a time limit. One counts the rows, grouped by the filter's values if there is a
filter. The other one samples rows. Meanwhile the step checks the destinations.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NoReturn, Protocol, TypeVar

from shared.domain.catalog import Catalog
from shared.domain.columns import Column, JsonKind
from shared.domain.embedded import embeddable
from shared.domain.errors import JobFails, Unavailable, UnloadRefused, WarehouseRefused
from shared.domain.slices import Facts, Slice, SliceFault, SliceRefused
from shared.unload.columns import expression, find_column, select_list
from shared.unload.filter import condition, unmatched
from shared.unload.statements import Selected, Statement, TableColumn, selected, slice_of

Found = TypeVar("Found")
SAMPLE = 200  # rows


class Questions(Protocol):
    """Short queries to Snowflake. Permanent refusals raise UnloadRefused."""

    def describe(self, table: str) -> list[TableColumn]:
        """Return the table's columns in their order."""
        ...

    def ask(self, statement: Statement, tag: str, seconds: float) -> list[tuple[Any, ...]]:
        """Return the statement's rows. After ``seconds``, abort the statement and raise Unavailable."""
        ...


Unfit = tuple[tuple[int, str], ...]
"""For each unfit destination, its index and the reason why the service cannot send rows to it."""

Look = Callable[[Slice, Sequence[Column]], Callable[[float], Unfit]]
"""Starts to check whether the slice's destinations would take rows of these columns. The function that it
returns waits for the results, for at most the given number of seconds.
"""


@dataclass(frozen=True, slots=True)
class EstimateSlice:
    """The step and its dependencies; ``seconds``: the time limit for both queries together."""

    questions: Questions
    look: Look
    catalog: Catalog
    chunk_bytes: int
    seconds: float
    monotonic: Callable[[], float]

    def run(self, wanted: Slice) -> Facts:
        """Return what is known of the slice.

        Raises SliceRefused with everything that the table lacks, and Unavailable if the time limit expires or
        the warehouse answers no query.
        """
        try:
            return self._facts(wanted)
        except WarehouseRefused as error:
            raise Unavailable("Snowflake", detail=f"{error.message}: {error.detail}") from error

    def _facts(self, wanted: Slice) -> Facts:
        until = self.monotonic() + self.seconds
        faults: list[SliceFault] = []
        columns = _found(faults, ("table",), lambda: self._columns(wanted.table))
        if columns is None:
            raise SliceRefused(tuple(faults))
        counting, sampling, selection = self._statements(wanted, columns, faults)
        looked_at = self.look(wanted, [one.column for one in selection])
        tag = f"beam-estimate-{wanted.organization_id}"
        asked = _found(
            faults,
            ("table",),
            lambda: [
                self.questions.ask(statement, tag, until - self.monotonic())
                for statement in (counting, sampling)
            ],
        )
        if asked is None:
            raise SliceRefused(tuple(faults))
        counted, sample = asked
        missing: list[int] = []
        if wanted.filter_column is not None:
            column = find_column(columns, wanted.filter_column, "the filter")
            missing = unmatched(column, wanted.filter_values, {_plain(row[1]) for row in counted})
        rows = sum(int(row[0]) for row in counted)
        shown = _found(faults, ("table",), lambda: tuple(_message(row, selection) for row in sample))
        if shown is None:
            raise SliceRefused(tuple(faults))
        unfit = looked_at(max(0.0, until - self.monotonic()))
        return Facts(rows, tuple(missing), shown, self.chunk_bytes, unfit)

    def _columns(self, table: str) -> list[TableColumn]:
        self.catalog.entry(table)
        return self.questions.describe(table)

    def _statements(
        self, wanted: Slice, columns: Sequence[TableColumn], faults: list[SliceFault]
    ) -> tuple[Statement, Statement, Sequence[Selected]]:
        entry = self.catalog.entry(wanted.table)
        window = ("backfill_window", "partition_key")
        rows = _found(
            faults, window, lambda: slice_of(wanted.table, wanted.window, columns, entry.block_column)
        )
        listed, group = _filter(wanted, columns, faults)
        known = len(faults)
        for place, choice in enumerate(wanted.chosen):
            of_choice = ("columns", place) if choice.name is None else ("columns", place, "column")
            _found(faults, of_choice, partial(find_column, columns, choice.column, "the rows"))
        for place, field, key in wanted.keys:
            of_key = ("destinations", place, field)
            _found(faults, of_key, partial(find_column, columns, key, "the messages' keys"))
        selection = None
        if len(faults) == known:
            where = ("columns",) if wanted.chosen else ("table",)
            selection = _found(faults, where, lambda: selected(columns, wanted.chosen, ()))
        if rows is None or selection is None or faults:
            raise SliceRefused(tuple(faults))
        source, values = rows
        if listed is not None:
            source, values = f"{source} AND {listed[0]}", (*values, *listed[1])
        counting = Statement(f"SELECT COUNT(*){group[0]} {source}{group[1]}", values)
        sampling = Statement(f"SELECT {select_list(selection)} {source} LIMIT {SAMPLE}", values)
        return counting, sampling, selection


def _filter(
    wanted: Slice, columns: Sequence[TableColumn], faults: list[SliceFault]
) -> tuple[tuple[str, tuple[Any, ...]] | None, tuple[str, str]]:
    """Return the filter's condition, and the SQL that groups the row count by the filter's values."""
    name = wanted.filter_column
    if name is None:
        return None, ("", "")
    column = _found(faults, ("filter", "column"), lambda: find_column(columns, name, "the filter"))
    if column is None:
        return None, ("", "")
    listed = _found(faults, ("filter", "values"), lambda: condition(column, wanted.filter_values))
    return listed, (f", {expression(column)}", " GROUP BY 2") if listed else ("", "")


def _found(faults: list[SliceFault], loc: tuple[str | int, ...], look: Callable[[], Found]) -> Found | None:
    try:
        return look()
    except WarehouseRefused:
        raise
    except JobFails as error:
        faults.append(SliceFault(loc, error.message))
        return None


def _message(row: Sequence[Any], selection: Sequence[Selected]) -> str:
    """Return the row as a destination would receive it. Raises JobFails if the job could not send it."""
    fields = zip(row, selection, strict=True)
    return (
        "{" + ",".join(f"{_json(one.column.name)}:{_value(value, one.column)}" for value, one in fields) + "}"
    )


def _value(value: Any, column: Column) -> str:
    if value is None:
        return "null"
    match column.kind:
        case JsonKind.INTEGER:
            return _json(int(value))
        case JsonKind.FLOAT:
            return _json(float(value)) if math.isfinite(value) else "null"
        case JsonKind.JSON:
            return _embedded(value, column.name)
        case _:
            return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _embedded(text: str, name: str) -> str:
    try:
        return embeddable(text.encode(), _check).decode()
    except (ValueError, RecursionError) as error:
        raise UnloadRefused(
            f"Column {name} holds text that is not JSON, or nested too deep", detail=str(error)
        ) from error


def _check(text: bytes) -> None:
    _VALUE.decode(text.decode())


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


# Numbers stay text: Python's own have fewer digits.
_VALUE: Final = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_refuse)


def _plain(value: Any) -> Any:
    """Return a value in the type in which it was bound. The connector's integers may have another class."""
    return value if isinstance(value, str | bool | float | None) else int(value)
