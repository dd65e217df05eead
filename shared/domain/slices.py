"""A slice to look at before it is exported, and what Snowflake answers of it. Both go as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from shared.domain.columns import Choice
from shared.domain.errors import BackfillError, Disposition
from shared.domain.jobs import FilterValue, Window


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows of a table, as a job would have them.

    ``keys``: the column of messages' keys by the place of the destination that asks for it.
    ``looked_at``: the fields of destinations that can be looked at before a job is created, by their place.
    """

    organization_id: str
    table: str
    window: Window
    filter_column: str | None = None
    filter_values: tuple[FilterValue, ...] = ()
    chosen: tuple[Choice, ...] = ()
    keys: tuple[tuple[int, str], ...] = ()
    looked_at: tuple[tuple[int, Mapping[str, Any]], ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Of a slice: how many rows, the places of the filter's values that none of them has, some rows as they
    would arrive, and the bytes of a chunk's file.

    ``unfit``: why rows could not be sent to a destination, by its place.
    """

    rows: int
    unmatched: tuple[int, ...]
    sample: tuple[Mapping[str, Any], ...]
    chunk_bytes: int
    unfit: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SliceFault:
    """What can't be had, and where in the body of the request it stands."""

    loc: tuple[str | int, ...]
    message: str


class SliceRefused(BackfillError):  # noqa: N818 - as all refusals are named
    """The table lacks what the slice asks for."""

    disposition = Disposition.TERMINAL

    def __init__(self, faults: tuple[SliceFault, ...]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults


def slice_to(wanted: Slice) -> dict[str, Any]:
    return asdict(wanted)


def slice_from(fields: Mapping[str, Any]) -> Slice:
    """Back from JSON; KeyError, TypeError or ValueError if it is none."""
    return Slice(
        **{
            **fields,
            "window": Window(**fields["window"]),
            "filter_values": tuple(fields["filter_values"]),
            "chosen": tuple(Choice(**one) for one in fields["chosen"]),
            "keys": tuple((int(place), str(column)) for place, column in fields["keys"]),
            # An API of the release before does not send it.
            "looked_at": tuple((int(place), dict(one)) for place, one in fields.get("looked_at", ())),
        }
    )


def facts_to(facts: Facts) -> dict[str, Any]:
    return asdict(facts)


def facts_from(fields: Mapping[str, Any]) -> Facts:
    """Back from JSON; KeyError, TypeError or ValueError if it is none."""
    return Facts(
        int(fields["rows"]),
        tuple(map(int, fields["unmatched"])),
        tuple(dict(row) for row in fields["sample"]),
        int(fields["chunk_bytes"]),
        # A staging function of the release before does not send it.
        tuple((int(place), str(message)) for place, message in fields.get("unfit", ())),
    )


def faults_to(faults: tuple[SliceFault, ...]) -> list[dict[str, Any]]:
    return [{"loc": list(fault.loc), "message": fault.message} for fault in faults]


def faults_from(fields: Any) -> tuple[SliceFault, ...]:
    """Back from JSON; KeyError, TypeError or ValueError if they are none."""
    return tuple(SliceFault(tuple(one["loc"]), str(one["message"])) for one in fields)
