"""The body of a create request. The same models validate it and describe it in the OpenAPI document.

All models are strict. Pydantic's coercions (a number to a time, a string to a boolean) could move the window,
and an unknown field may be a misspelt ``filter``, without which the job would export the whole table.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    StringConstraints,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from shared.destinations import KINDS
from shared.destinations.spec import (
    OBJECT,
    TEXT,
    ColumnName,
    FieldName,
    Spec,
    Strict,
    by_shape,
    checked,
    refusal,
    whole,
)
from shared.domain import timestamps
from shared.domain.catalog import Catalog, TableNotOffered, table_name
from shared.domain.jobs import FilterValue
from shared.domain.oversized import OversizedRows
from shared.web import job_names
from shared.web.body import UnusableNumber
from shared.web.job_names import MOST_NAME_LENGTH

MOST_COLUMNS = 1_000
MOST_FILTER_VALUES = 16_384  # Snowflake's own limit for an IN list
LAST_BLOCK = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that validation depends on, passed as pydantic's context."""

    catalog: Catalog
    insecure_addresses: bool
    chunks_in_flight: int
    aws_role_arn: str = ""
    schema_registry: bool = False


def _table(text: str, info: ValidationInfo[Rules]) -> str:
    name = checked("table_name", table_name, text)
    try:
        info.context.catalog.entry(name)
    except TableNotOffered as error:
        raise refusal("table_not_offered", error.message) from error
    return name


def _job_name(text: str) -> str:
    return checked("job_name", job_names.check_job_name, text)


def _bound(value: Any, info: ValidationInfo) -> str | int:
    if info.data.get("partition_key") == "block":
        # A boolean is an integer in Python, but not in JSON.
        if type(value) is not int or not 0 <= value <= LAST_BLOCK:
            raise refusal("block_number", "Give a block's number as an integer of 0 or more")
        return value
    if not isinstance(value, str):
        raise refusal("timestamp", "Give an ISO 8601 timestamp as a string")
    return checked("timestamp", timestamps.canonical, value)


def _filter_value(value: Any) -> FilterValue:
    if isinstance(value, UnusableNumber):
        raise refusal("number", value.reason)
    if not isinstance(value, str | int | float):
        raise refusal("filter_value", "Give a string, a number or a boolean")
    return value


def _once_each(values: list[FilterValue]) -> list[FilterValue]:
    # A valid request's values have one JSON type, and in JSON 1 and 1.0 are the same number.
    return list(dict.fromkeys(values))


def _parallel_chunks(number: int, info: ValidationInfo[Rules]) -> int:
    most = info.context.chunks_in_flight
    if number > most:
        raise refusal("max_parallel_chunks", f"Give a number from 1 to {most}")
    return number


_BOUND_SCHEMA = {
    "anyOf": [
        {
            "type": "string",
            "pattern": timestamps.PATTERN,
            "description": "ISO 8601, also with a space for T; at most 9 fraction digits; UTC by default",
        },
        {"type": "integer", "minimum": 0, "maximum": LAST_BLOCK, "description": "a block's number"},
    ]
}
_VALUES_SCHEMA = {
    "description": "Values of one type; duplicates are removed after counting.",
    "minItems": 1,
    "maxItems": MOST_FILTER_VALUES,
    "anyOf": [{"type": "array", "items": {"type": kind}} for kind in ("string", "number", "boolean")],
}

Bound = Annotated[str | int, PlainValidator(_bound), WithJsonSchema(_BOUND_SCHEMA)]


class RenamedColumn(Strict):
    """A column of the table, and its name in the rows."""

    column: ColumnName
    as_: FieldName = Field(alias="as")


ChosenColumn = Annotated[
    Annotated[ColumnName, Tag(TEXT)] | Annotated[RenamedColumn, Tag(OBJECT)],
    by_shape("Give a column's name, or an object of column and as"),
]


class BackfillWindow(Strict):
    """The slice ``start <= partition_key < end``."""

    partition_key: Literal["block_timestamp", "block"] = Field(
        description="`block` only for tables whose catalog entry names a block column: no Base table does."
    )
    start: Bound = Field(description="Inclusive.")
    end: Bound = Field(description="Exclusive.")

    @field_validator("end")
    @classmethod
    def _in_order(cls, end: str | int, info: ValidationInfo) -> str | int:
        # A validator of the model would run only if all fields are valid.
        if "start" in info.data and _order(info.data["start"]) >= _order(end):
            raise refusal("window_order", "start must be before end")
        return end


def _order(bound: str | int) -> tuple[int, str, str]:
    return (bound, "", "") if isinstance(bound, int) else (0, *timestamps.order(bound))


class Filter(Strict):
    """Selects rows whose column equals one of the values: ``WHERE column IN (values)``."""

    column: ColumnName
    values: Annotated[
        list[Annotated[FilterValue, PlainValidator(_filter_value)]],
        Field(min_length=1, max_length=MOST_FILTER_VALUES),
        AfterValidator(_once_each),
        WithJsonSchema(_VALUES_SCHEMA),
    ]


if TYPE_CHECKING:
    Destination = Spec
else:
    Destination = Annotated[
        Union[tuple(kind.spec() for kind in KINDS.values())],  # noqa: UP007 - as many as there are kinds
        Field(discriminator="type"),
    ]


JobName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST_NAME_LENGTH),
    AfterValidator(_job_name),
    WithJsonSchema({"type": "string", "pattern": job_names.PATTERN}),
]
_JOB_NAME = f"1 to {MOST_NAME_LENGTH} characters after trimming, none of them a control character."
_DESTINATIONS = "Each pair of type and name must be unique."


class CreateBackfill(Strict):
    """A historical backfill: export a table's slice to one or more destinations."""

    job_name: JobName = Field(description=_JOB_NAME)
    table: Annotated[str, AfterValidator(_table)] = Field(
        description="`catalog.schema.table`, matched without case."
    )
    backfill_window: BackfillWindow
    filter: Filter | None = None
    columns: (
        Annotated[
            list[ChosenColumn],
            Field(min_length=1, max_length=MOST_COLUMNS, json_schema_extra={"uniqueItems": True}),
        ]
        | None
    ) = Field(
        default=None,
        description=(
            "The rows' fields, in this order: columns of the table, matched without case, with their names in"
            " lower case or with the given names. Field names must be unique without regard to case. The"
            " default is all of the table's columns."
        ),
    )
    destinations: Annotated[list[Destination], Field(min_length=1, max_length=10)] = Field(
        description=_DESTINATIONS, json_schema_extra={"uniqueItems": True}
    )
    static_egress_ip: bool = Field(default=False, description="Deliver from a fixed address.")
    max_parallel_chunks: (
        Annotated[int, Field(ge=1), AfterValidator(_parallel_chunks), BeforeValidator(whole)] | None
    ) = Field(
        default=None,
        description="The largest number of the job's chunks to deliver at once; the service may use fewer.",
    )
    oversized_rows: OversizedRows | None = Field(
        default=None,
        description=(
            "What happens to a row that exceeds a destination's size limit. `fail`, the default: the job"
            " fails and names the row. `skip`: the destination does not receive the row; the receipt counts"
            " all skipped rows and names the first 1,000."
        ),
    )


class EstimateBackfill(CreateBackfill):
    """A historical backfill to estimate: a complete create request, or only its slice."""

    job_name: JobName | None = Field(default=None, description=_JOB_NAME)  # type: ignore[assignment]  # optional here
    destinations: Annotated[list[Destination], Field(max_length=10)] = Field(
        default_factory=list, description=_DESTINATIONS, json_schema_extra={"uniqueItems": True}
    )
