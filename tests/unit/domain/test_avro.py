"""The Avro schema of a job's rows, by the types that Snowflake describes."""

from typing import Any

import pytest

from shared.domain.avro import schema_of
from shared.domain.columns import Column, JsonKind, TableType
from shared.domain.errors import DestinationRefused

TABLE = "base.assets.erc20_token_transfers"


def field_of(kind: JsonKind, type_: TableType | None) -> dict[str, Any]:
    (field,) = schema_of(TABLE, [Column("a", kind, type=type_)])["fields"]
    assert isinstance(field, dict)
    return field


def decimal(precision: int, scale: int) -> dict[str, Any]:
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}


def long(logical: str) -> dict[str, Any]:
    return {"type": "long", "logicalType": logical}


@pytest.mark.parametrize(
    ("type_", "kind", "expected"),
    [
        (TableType("FIXED", 1, 0), JsonKind.INTEGER, "long"),
        (TableType("FIXED", 18, 0), JsonKind.INTEGER, "long"),
        (TableType("FIXED", 19, 0), JsonKind.INTEGER, decimal(19, 0)),
        (TableType("FIXED", 38, 0), JsonKind.INTEGER, decimal(38, 0)),
        (TableType("FIXED", 10, 2), JsonKind.TEXT, decimal(10, 2)),
        (TableType("FIXED", 38, 37), JsonKind.TEXT, decimal(38, 37)),
        (TableType("FIXED", 10, -3), JsonKind.INTEGER, "long"),
        (TableType("FIXED", 38, -3), JsonKind.INTEGER, decimal(41, 0)),
        (TableType("FIXED"), JsonKind.INTEGER, decimal(38, 0)),
        (TableType("REAL"), JsonKind.FLOAT, "double"),
        (TableType("TEXT"), JsonKind.TEXT, "string"),
        (TableType("BOOLEAN"), JsonKind.BOOLEAN, "boolean"),
        (TableType("DATE"), JsonKind.TEXT, {"type": "int", "logicalType": "date"}),
        (TableType("BINARY"), JsonKind.TEXT, "bytes"),
        (TableType("TIME", 0, 6), JsonKind.TEXT, long("time-micros")),
        (TableType("TIME", 0, 7), JsonKind.TEXT, "string"),
        (TableType("TIMESTAMP_NTZ", 0, 0), JsonKind.TEXT, long("local-timestamp-micros")),
        (TableType("TIMESTAMP_NTZ", 0, 6), JsonKind.TEXT, long("local-timestamp-micros")),
        (TableType("TIMESTAMP_NTZ", 0, 9), JsonKind.TEXT, "string"),
        (TableType("TIMESTAMP_LTZ", 0, 6), JsonKind.TEXT, long("timestamp-micros")),
        (TableType("TIMESTAMP_TZ", 0, 3), JsonKind.TEXT, long("timestamp-micros")),
        (TableType("TIMESTAMP_TZ", 0, 9), JsonKind.TEXT, "string"),
        (TableType("VARIANT"), JsonKind.JSON, "string"),
        (TableType("VECTOR"), JsonKind.JSON, "string"),
    ],
    ids=str,
)
def test_each_type_has_one_type_in_avro(type_: TableType, kind: JsonKind, expected: object) -> None:
    assert field_of(kind, type_) == {"name": "a", "type": ["null", expected], "default": None}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (JsonKind.TEXT, "string"),
        (JsonKind.INTEGER, decimal(38, 0)),
        (JsonKind.FLOAT, "double"),
        (JsonKind.BOOLEAN, "boolean"),
        (JsonKind.JSON, "string"),
    ],
)
def test_columns_that_an_older_release_staged_go_by_their_kind(kind: JsonKind, expected: object) -> None:
    assert field_of(kind, None)["type"] == ["null", expected]


def test_the_record_has_the_tables_name_and_the_rows_fields_in_their_order() -> None:
    columns = [Column("b", JsonKind.TEXT), Column("A_1", JsonKind.TEXT, "a"), Column("_", JsonKind.TEXT)]
    schema = schema_of("base.a$b.c$", columns)
    assert (schema["type"], schema["namespace"], schema["name"]) == ("record", "base.a_b", "c_")
    assert [field["name"] for field in schema["fields"]] == ["b", "A_1", "_"]


def test_names_that_avro_does_not_allow_are_refused_together_and_with_the_remedy() -> None:
    columns = [Column(name, JsonKind.TEXT) for name in ("fine", "a$b", "two words", "é", "1st")]
    with pytest.raises(DestinationRefused, match=r"a\$b, two words, é, 1st. Give .* other names with `as`"):
        schema_of(TABLE, columns)
