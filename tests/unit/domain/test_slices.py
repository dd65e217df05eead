"""Slices and facts as JSON, in both directions."""

import json

import pytest

from shared.domain.columns import Choice
from shared.domain.jobs import Window
from shared.domain.slices import (
    Facts,
    Slice,
    SliceFault,
    SliceRefused,
    facts_from,
    facts_to,
    faults_from,
    faults_to,
    slice_from,
    slice_to,
)

WINDOW = Window("block_timestamp", "2026-03-01T00:00:00.123456789", "2026-04-01T00:00:00")


@pytest.mark.parametrize(
    "wanted",
    [
        Slice("acme", "base.assets.t", WINDOW),
        Slice(
            "acme",
            "base.assets.t",
            WINDOW,
            "n",
            (1, 2.5, 10**37),
            (Choice("a"), Choice("b", "c")),
            ((1, "key_column", "k"),),
        ),
        Slice("acme", "base.assets.t", WINDOW, "flag", (True, False)),
        Slice("acme", "base.assets.t", WINDOW, looked_at=((0, {"type": "nats", "servers": ["tls://a"]}),)),
    ],
)
def test_a_slice_comes_back_as_it_was(wanted: Slice) -> None:
    again = slice_from(json.loads(json.dumps(slice_to(wanted))))
    assert again == wanted
    assert list(map(type, again.filter_values)) == list(map(type, wanted.filter_values))


def test_facts_come_back_as_they_were() -> None:
    facts = Facts(7, (0, 3), ('{"a":null}', '{"a":[1, {"b": "ü"}]}'), 1 << 20)
    assert facts_from(json.loads(json.dumps(facts_to(facts)))) == facts


def test_what_the_release_before_sends_is_read() -> None:
    fields = facts_to(Facts(1, (), (), 9)) | {"sample": [{"a": "ü", "n": 1}]}
    del fields["unfit"]
    assert facts_from(fields) == Facts(1, (), ('{"a":"ü","n":1}',), 9)
    wanted = Slice("acme", "base.assets.t", WINDOW, keys=((1, "key_column", "k"),))
    fields = slice_to(wanted) | {"keys": [[1, "k"]]}
    del fields["looked_at"]
    assert slice_from(fields) == wanted


def test_faults_come_back_as_they_were() -> None:
    faults = (SliceFault(("columns", 2), "no column x"), SliceFault(("table",), "no table"))
    assert faults_from(json.loads(json.dumps(faults_to(faults)))) == faults
    assert SliceRefused(faults).message == "no column x; no table"


@pytest.mark.parametrize("fields", [{}, {"window": 3}, {"window": {"start": "x"}}, {"rows": "many"}])
def test_what_is_no_slice_and_no_facts_is_an_error(fields: dict[str, object]) -> None:
    for read in (slice_from, facts_from):
        with pytest.raises((KeyError, TypeError, ValueError)):
            read(fields)
