"""Both encoders write the same bytes, also at the sizes at which the native one copies differently."""

import pyarrow as pa
import pytest

from shared.domain.columns import Column, JsonKind
from shared.encoding import ParquetRows
from tests.unit.encoding.readers import NEEDS_NATIVE, ReadRows, native_rows
from tests.unit.encoding.tables import staged_file

pytestmark = NEEDS_NATIVE

_LENGTHS = (*range(41), 63, 64, 65)
_ESCAPED = ('"', "\\", "\x00", "\x1f")
_NOT_ESCAPED = (" ", "!", "\x7f", "é", "\U0001f680")


def ndjson(
    reader: ReadRows, texts: dict[str, list[str | None]], key: str | None = None
) -> tuple[bytes, list[bytes | None]]:
    columns = [Column(name, JsonKind.TEXT) for name in texts]
    batches = list(reader(staged_file(pa.table(texts)), columns, key, "chunk").batches(100_000))
    return b"".join(batch.ndjson for batch in batches), [
        each for batch in batches for each in batch.keys() or ()
    ]


def same(texts: dict[str, list[str | None]], key: str | None = None) -> None:
    assert ndjson(native_rows, texts, key) == ndjson(ParquetRows, texts, key)


@pytest.mark.parametrize("special", [*_ESCAPED, *_NOT_ESCAPED])
def test_texts_of_every_length_with_a_special_character_at_every_place(special: str) -> None:
    same(
        {
            "text": [
                "a" * place + special + "b" * (length - place - 1)
                for length in _LENGTHS
                for place in range(length)
            ]
        }
    )


def test_texts_of_every_length() -> None:
    same({"text": ["x" * length for length in _LENGTHS], "after": [None] * len(_LENGTHS)}, key="text")


@pytest.mark.parametrize("length", [1, 25, 26, 27, 28, 29, 30, 31, 32, 33, 200, 255])
def test_names_of_fields_that_are_short_and_long(length: int) -> None:
    same({"a" * length: ["value"], "b" * length: [None], 'q"' * (length // 2) + "c": ["last"]})


@pytest.mark.parametrize("size", [65_400, 65_536, 65_600, 131_072, 200_000, 1_000_000])
@pytest.mark.parametrize("special", ["", '"'])
def test_rows_that_outgrow_the_room_made_for_them(size: int, special: str) -> None:
    large = "x" * size + special
    same(
        {"before": ["1", "2", "3"], "large": [large, "small", large], "after": ["é", None, "\n"]}, key="large"
    )
