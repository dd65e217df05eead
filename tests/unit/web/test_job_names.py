"""Names of jobs: the API accepts what the document's pattern accepts."""

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.web.job_names import PATTERN
from tests.fakes.web import Service, backfill

TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
EVERY = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]


def _harmful(character: str) -> bool:
    if unicodedata.category(character) in {"Cc", "Zl", "Zp"}:
        return True
    return unicodedata.bidirectional(character) in TURNING


def test_of_all_characters_those_are_refused_within_a_name_that_break_or_turn_its_line() -> None:
    refused = {character for character in EVERY if not re.search(PATTERN, f"a{character}b")}
    assert refused == {character for character in EVERY if _harmful(character)}
    service = Service()
    for character in refused:
        (fault,) = service.faults(backfill(job_name=f"a{character}b"))
        assert f"its character 2 is U+{ord(character):04X}" in fault["msg"]


def test_of_all_characters_those_are_no_name_that_are_trimmed_or_refused() -> None:
    alone = {character for character in EVERY if not re.search(PATTERN, character)}
    trimmed = {character for character in alone if re.search(PATTERN, f"{character}x")}
    assert trimmed == {character for character in EVERY if character.isspace()} - set("\x1c\x1d\x1e\x1f")
    assert alone == trimmed | {character for character in EVERY if _harmful(character)}
    service = Service()
    for character in trimmed:
        service.created(backfill(job_name=f"{character}x{character}"))
        assert service.create(backfill(job_name=character)).status_code == 422
    assert {stored.job.job_name for stored in service.jobs.stored.values()} == {"x"}


@pytest.mark.parametrize(
    "name",
    [
        "אבג \u200f(x)\u200e",  # marks of direction
        "क्\u200dष می\u200cخواهم 👩\u200d🚀",  # noqa: RUF001 - joiners, in scripts that need them
        "e\u0301 ünïcödé \ufeff",
        "tab\\t <script> %s {0} $(id)",
    ],
)
def test_names_in_every_script_are_taken(name: str) -> None:
    service = Service()
    service.created(backfill(job_name=name))
    (stored,) = service.jobs.stored.values()
    assert stored.job.job_name == name


def test_half_a_character_is_refused_as_such() -> None:
    (fault,) = Service().faults(backfill(job_name="a\ud800b"))
    assert (fault["loc"], fault["type"]) == (["body", "job_name"], "string_unicode")


_NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@given(_NAMES, st.integers(0, 203), _NAMES)
def test_what_is_taken_is_what_the_pattern_takes(before: str, length: int, after: str) -> None:
    name = f"{before}{'é' * length}{after}"
    taken = Service().create(backfill(job_name=name)).status_code == 201
    assert taken == bool(re.search(PATTERN, name))
