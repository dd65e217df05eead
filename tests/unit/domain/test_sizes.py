"""The bytes of a job's columns and destinations in its record."""

from dataclasses import replace

import pytest

from shared.adapters.firestore_documents import job_fields
from shared.domain.columns import Choice, Column, JsonKind, TableType
from shared.domain.sizes import chosen_bytes, columns_bytes, stored_bytes
from tests.fakes.examples import new_job

TEXT = TableType("TEXT")
TIME = TableType("TIMESTAMP_NTZ", 0, 9)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("é", 3),
        ("", 1),
        (None, 1),
        (True, 1),
        (7, 8),
        (0.5, 8),
        ([], 0),
        (["a", 1], 10),
        ({"ab": "c"}, 5),
        ([{"a": None}, {"b": [False]}], 6),
    ],
)
def test_json_values_have_the_sizes_that_firestore_documents(value: object, size: int) -> None:
    assert stored_bytes(value) == size


@pytest.mark.parametrize(
    ("chosen", "columns"),
    [
        ((), (Column("a" * 200, JsonKind.TEXT, type=TEXT), Column("é" * 200, JsonKind.JSON, type=TIME))),
        ((Choice("a" * 255),), (Column("a" * 255, JsonKind.BOOLEAN, type=TIME),)),
        ((Choice("a", "b" * 255),), (Column("b" * 255, JsonKind.BOOLEAN, "a", type=TIME),)),
    ],
    ids=["all of the table", "chosen", "renamed"],
)
def test_the_record_of_the_columns_has_about_that_many_bytes(
    chosen: tuple[Choice, ...], columns: tuple[Column, ...]
) -> None:
    fields = job_fields(replace(new_job(), chosen=chosen, columns=columns))
    stored = sum(stored_bytes(fields[name]) for name in ("chosen", "columns", "column_types"))
    assert stored <= columns_bytes(chosen, columns) <= stored + 10 * len(columns)


def test_chosen_columns_are_at_least_as_large_as_what_staging_makes_of_them() -> None:
    chosen = (Choice("a"), Choice("b", "other"), Choice("c", "c"))
    staged = (
        Column("a", JsonKind.TEXT, type=TEXT),
        Column("other", JsonKind.JSON, "b", type=TIME),
        Column("c", JsonKind.BOOLEAN, type=TIME),
    )
    assert chosen_bytes(chosen) >= columns_bytes(chosen, staged)


def test_columns_that_are_no_fields_are_not_counted() -> None:
    assert columns_bytes((), (Column("key:a", JsonKind.TEXT, "a", hidden=True),)) == 0
