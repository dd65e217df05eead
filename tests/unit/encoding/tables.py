"""Staged files for the encoder's tests: fixed ones, and generated ones."""

import io
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from shared.domain.columns import Column, JsonKind


@dataclass(frozen=True)
class Staged:
    """A staged file with its content: its columns, and its rows as Python values."""

    file: io.BytesIO
    columns: list[Column]
    rows: list[tuple[Any, ...]]


def staged_file(table: pa.Table, **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    file.seek(0)
    return file


def _integers_of(bits: int, *, signed: bool) -> st.SearchStrategy[int]:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return st.integers(low, high)


_TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    [
        "",
        "a\nb",
        "\r\n",
        "\x00\x1f\x7f",
        '"',
        "\\",
        '"}\n{"',
        '","":null,"',
        "🚀🇸🇪",
        "\u2028",
        "ﷺ",
        "null",
        "NaN",
    ]
)
_JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**38), 10**38)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=8,
)
_JSON_TEXTS = st.builds(
    json.dumps, _JSON_VALUES, ensure_ascii=st.booleans(), indent=st.sampled_from([None, 1])
) | st.sampled_from(
    ["123456789012345678901234567890.12345678901234567890", "1e400", '"undefined"', " [ 1 ,\n2 ] "]
)
_TEXT_TYPES = [
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.dictionary(pa.int32(), pa.string()),
    pa.dictionary(pa.int32(), pa.large_string()),
]
_PHYSICAL: dict[JsonKind, list[tuple[pa.DataType, st.SearchStrategy[Any]]]] = {
    JsonKind.TEXT: [(physical, _TEXTS) for physical in _TEXT_TYPES],
    JsonKind.JSON: [(physical, _JSON_TEXTS) for physical in _TEXT_TYPES],
    JsonKind.BOOLEAN: [(pa.bool_(), st.booleans())],
    JsonKind.FLOAT: [
        (pa.float64(), st.floats() | st.sampled_from([-0.0, 5e-324, 2.225073858507201e-308, 1e22])),
        (pa.float32(), st.floats(width=32)),
        (pa.float16(), st.floats(width=16)),
    ],
    JsonKind.INTEGER: [
        *((getattr(pa, f"int{bits}")(), _integers_of(bits, signed=True)) for bits in (8, 16, 32, 64)),
        *((getattr(pa, f"uint{bits}")(), _integers_of(bits, signed=False)) for bits in (8, 16, 32, 64)),
        *(
            (physical, st.integers(-(10**digits) + 1, 10**digits - 1).map(Decimal))
            for physical, digits in [
                (pa.decimal32(9, 0), 9),
                (pa.decimal64(18, 0), 18),
                (pa.decimal128(38, 0), 38),
                (pa.decimal128(5, 0), 5),
                (pa.decimal256(38, 0), 38),
            ]
        ),
    ],
}  # fmt: skip


@st.composite
def staged_files(draw: st.DrawFn) -> Staged:
    """Generate a file of any rows, kinds, physical types and row groups, with any case of names and order of
    columns.
    """
    row_count = draw(st.integers(0, 12))
    columns: list[Column] = []
    arrays: list[pa.Array] = []
    values: list[list[Any]] = []
    names = draw(st.lists(_NAMES, min_size=1, max_size=6, unique_by=str.lower))
    for name in names:
        kind = draw(st.sampled_from(JsonKind))
        physical, strategy = draw(st.sampled_from([*_PHYSICAL[kind], (pa.null(), st.none())]))
        column_values = draw(st.lists(st.none() | strategy, min_size=row_count, max_size=row_count))
        columns.append(Column(name.lower(), kind))
        arrays.append(pa.array(column_values, physical))
        values.append([int(value) if isinstance(value, Decimal) else value for value in column_values])
    order = draw(st.permutations(range(len(names))))
    table = pa.Table.from_arrays([arrays[i] for i in order], names=[names[i] for i in order])
    file = staged_file(
        table,
        row_group_size=draw(st.integers(1, 13)),
        compression=draw(st.sampled_from(["snappy", "none"])),
        data_page_version=draw(st.sampled_from(["1.0", "2.0"])),
    )
    return Staged(file, columns, list(zip(*values, strict=True)))


_NAMES = st.sampled_from(
    ["A", "UNIQUE_ID", "payload", "Block_Timestamp", "TWO WORDS", '"', ',"', "É", "\\", "X"]
)
