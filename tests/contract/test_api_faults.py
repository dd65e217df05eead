"""All faults of a request are answered at once, each of them once, also those of rules between fields."""

from typing import Any

import pytest

from tests.fakes.web import Service, backfill, webhook, window

TURNED = window(start="2026-04-01T00:00:00", end="2026-03-01T00:00:00")
BLOCKS = {"partition_key": "block", "start": 2, "end": 1}
PLACE = ("body", "destinations", 0)


def told(body: Any) -> list[tuple[tuple[str | int, ...], str]]:
    """Return the places and types of all faults, sorted by place."""
    faults = [(tuple(fault["loc"]), fault["type"]) for fault in Service().faults(body)]
    return sorted(faults, key=str)


@pytest.mark.parametrize(
    ("part", "others"),
    [
        (TURNED, []),
        (TURNED | {"partition_ky": "x"}, [("partition_ky", "extra_forbidden")]),
        (TURNED | {"partition_key": "block_number"}, [("partition_key", "literal_error")]),
        ({"start": TURNED["start"], "end": TURNED["end"]}, [("partition_key", "missing")]),
        (BLOCKS, [("partition_key", "block_not_supported")]),
    ],
)
def test_a_window_that_is_turned_round(part: dict[str, Any], others: list[tuple[str, str]]) -> None:
    found = [(("body", "backfill_window", field), kind) for field, kind in others]
    assert told(backfill(backfill_window=part)) == [(("body", "backfill_window"), "window_order"), *found]


@pytest.mark.parametrize("bound", ["start", "end"])
def test_a_window_without_one_of_its_bounds_has_no_order(bound: str) -> None:
    place = ("body", "backfill_window", bound)
    assert told(backfill(backfill_window=TURNED | {bound: "x"})) == [(place, "timestamp")]


@pytest.mark.parametrize(
    ("options", "others"),
    [
        ({}, []),
        ({"url": "ftp://a"}, [(*PLACE, "url")]),
        ({"headers": {"A": "\n"}}, [(*PLACE, "headers", "A")]),
        ({"surplus": 1, "batch_rows": 0}, [(*PLACE, "batch_rows"), (*PLACE, "surplus")]),
    ],
)
def test_a_header_that_is_given_twice(options: dict[str, Any], others: list[Any]) -> None:
    given = webhook(**{"headers": {"A": "x"}, "secret_headers": {"a": "KEY"}} | options)
    found = told(backfill(destinations=[given]))
    assert [place for place, _ in found] == [PLACE, *others]
    assert found[0] == (PLACE, "header_twice")


def test_each_header_that_is_given_twice() -> None:
    headers = {"A": "x", "a": "x", "B": "x", "C": "x"}
    faults = Service().faults(backfill(destinations=[webhook(headers=headers, secret_headers={"b": "KEY"})]))
    assert [fault["msg"].split()[2] for fault in faults] == ["a", "b"]


@pytest.mark.parametrize(
    ("values", "wrong", "message"),
    [
        (["x", 1, None], [2], "One type per list: values[0] is a string, values[1] a number"),
        ([None, True, [], 1.5, "x"], [0, 2], "One type per list: values[1] is a boolean, values[3] a number"),
        ([10**50, "x"], [0], "One type per list: values[0] is a number, values[1] a string"),
    ],
)
def test_values_of_several_types(values: list[Any], wrong: list[int], message: str) -> None:
    faults = Service().faults(backfill(filter={"column": "c", "values": values}))
    assert [fault["loc"][3:] for fault in faults] == [*([index] for index in wrong), []]
    assert faults[-1] == {"loc": ["body", "filter", "values"], "msg": message, "type": "mixed_types"}


def test_items_of_lists_that_are_too_long() -> None:
    """Only the items up to the limit are looked at: there may be hundreds of thousands."""
    bus = {"type": "nats", "name": "", "servers": ["h:0"] * 11, "subject": "s"}
    body = backfill(
        destinations=[bus, *({"type": "kafka", "name": ""} for _ in range(11))],
        columns=[*(f"c{number}" for number in range(999)), "a b", "c d"],
        surplus=1,
    )
    assert told(body) == sorted(
        [
            (("body", "surplus"), "extra_forbidden"),
            (("body", "columns"), "too_long"),
            (("body", "columns", 999), "string_pattern_mismatch"),
            (("body", "destinations"), "too_long"),
            *((("body", "destinations", at, "name"), "string_pattern_mismatch") for at in range(10)),
            (("body", "destinations", 11, "name"), "destination_twice"),
            *((("body", "destinations", at, "name"), "destination_twice") for at in range(2, 11)),
            ((*PLACE, "servers"), "too_long"),
            *(((*PLACE, "servers", at), "string_pattern_mismatch") for at in range(10)),
        ],
        key=str,
    )
