"""A slice that a client asks about before exporting it, and Snowflake's answer. Both travel as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from shared.domain.columns import Choice
from shared.domain.errors import BackfillError, Disposition
from shared.domain.jobs import FilterValue, Window


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows of a table that a job would export.

    ``keys``: the columns of message keys, each with the index of the destination that asks for it, and the
    destination's field that names it.
    ``looked_at``: the fields of the destinations that can be checked before a job is created, each with its
    index.
    """

    organization_id: str
    table: str
    window: Window
    filter_column: str | None = None
    filter_values: tuple[FilterValue, ...] = ()
    chosen: tuple[Choice, ...] = ()
    keys: tuple[tuple[int, str, str], ...] = ()
    looked_at: tuple[tuple[int, Mapping[str, Any]], ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What Snowflake knows of a slice.

    ``rows``: the number of rows. ``unmatched``: the indexes of the filter values that match no row.
    ``sample``: some rows as they would arrive, each as the text of a JSON object.
    ``chunk_bytes``: the bytes of one chunk's file.
    ``unfit``: why a destination would take no rows, with the destination's index.
    """

    rows: int
    unmatched: tuple[int, ...]
    sample: tuple[str, ...]
    chunk_bytes: int
    unfit: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SliceFault:
    """What the table lacks, and the place in the request's body that asks for it."""

    loc: tuple[str | int, ...]
    message: str


class SliceRefused(BackfillError):  # noqa: N818 - as all refusals are named
    """The table lacks something that the slice asks for.

    Operator: nothing. The client changes the request.
    """

    disposition = Disposition.TERMINAL

    def __init__(self, faults: tuple[SliceFault, ...]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults


def slice_to(wanted: Slice) -> dict[str, Any]:
    return asdict(wanted)


def slice_from(fields: Mapping[str, Any]) -> Slice:
    """Read a slice from JSON. Raises KeyError, TypeError or ValueError if it is not one."""
    return Slice(
        **{
            **fields,
            "window": Window(**fields["window"]),
            "filter_values": tuple(fields["filter_values"]),
            "chosen": tuple(Choice(**one) for one in fields["chosen"]),
            "keys": tuple(map(_key, fields["keys"])),
            # An API of the release before does not send it.
            "looked_at": tuple((int(place), dict(one)) for place, one in fields.get("looked_at", ())),
        }
    )


def facts_to(facts: Facts) -> dict[str, Any]:
    return asdict(facts)


def facts_from(fields: Mapping[str, Any]) -> Facts:
    """Read facts from JSON. Raises KeyError, TypeError or ValueError if they are not facts."""
    return Facts(
        int(fields["rows"]),
        tuple(map(int, fields["unmatched"])),
        tuple(map(_text, fields["sample"])),
        int(fields["chunk_bytes"]),
        # A staging function of the release before does not send it.
        tuple((int(place), str(message)) for place, message in fields.get("unfit", ())),
    )


def _key(fields: Sequence[Any]) -> tuple[int, str, str]:
    # An API of the release before sends no field: it knows only one.
    place, *named, column = fields
    return int(place), str(named[0]) if named else "key_column", str(column)


def _text(row: Any) -> str:
    # A staging function of the release before sends objects.
    return row if isinstance(row, str) else json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def faults_to(faults: tuple[SliceFault, ...]) -> list[dict[str, Any]]:
    return [{"loc": list(fault.loc), "message": fault.message} for fault in faults]


def faults_from(fields: Any) -> tuple[SliceFault, ...]:
    """Read faults from JSON. Raises KeyError, TypeError or ValueError if they are not faults."""
    return tuple(SliceFault(tuple(one["loc"]), str(one["message"])) for one in fields)
