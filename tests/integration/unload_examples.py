"""A table of every type that the contract names: how it is made, and what its rows are as messages."""

from typing import Any, Final

STATEMENTS: Final = [
    """
    CREATE OR REPLACE TABLE BASE.ASSETS.TYPED (
        BLOCK_TIMESTAMP TIMESTAMP_NTZ(9), ID NUMBER(38, 0), PRICE NUMBER(38, 18), RATIO FLOAT, "Name" VARCHAR,
        IS_MINT BOOLEAN, MINT_DATE DATE, CLOCK TIME(9), LOCAL_TIME TIMESTAMP_LTZ(9),
        ZONED_TIME TIMESTAMP_TZ(9), HASH BINARY, ANYTHING VARIANT, ATTRIBUTES OBJECT, ENTRIES ARRAY
    )
    """,
    """
    INSERT INTO BASE.ASSETS.TYPED SELECT
        '2026-03-01T00:00:00.123456789', 99999999999999999999999999999999999999,
        '12345678901234567890.123456789012345678', 1.5, 'plain', TRUE, '2026-03-01', '12:30:00.5',
        '2026-03-01T02:00:00+02:00', '2026-03-01T02:00:00.5+02:00', TO_BINARY('00FF', 'HEX'),
        PARSE_JSON('{"a": [1, null]}'), PARSE_JSON('{"b": 2}'), PARSE_JSON('[1, "x"]')
    """,
    """
    INSERT INTO BASE.ASSETS.TYPED SELECT
        '2026-03-02', -7, '0.000000000000000001', 'NaN'::FLOAT, '', FALSE, '0001-01-01', '00:00:00',
        '2026-03-02T00:00:00+00:00', '2026-03-02T00:00:00+00:00', TO_BINARY('', 'HEX'), PARSE_JSON('7'),
        NULL, NULL
    """,
    """
    INSERT INTO BASE.ASSETS.TYPED SELECT
        '2026-03-03', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    """,
]
_FULL: Final[dict[str, Any]] = {
    "block_timestamp": "2026-03-01T00:00:00.123456789",
    "id": int("9" * 38),
    "price": "12345678901234567890.123456789012345678",
    "ratio": 1.5,
    "name": "plain",
    "is_mint": True,
    "mint_date": "2026-03-01",
    "clock": "12:30:00.5",
    "local_time": "2026-03-01T00:00:00Z",
    "zoned_time": "2026-03-01T00:00:00.5Z",
    "hash": "00ff",
    "anything": {"a": [1, None]},
    "attributes": {"b": 2},
    "entries": [1, "x"],
}
_EDGES: Final[dict[str, Any]] = {
    "block_timestamp": "2026-03-02T00:00:00",
    "id": -7,
    "price": "0.000000000000000001",
    "ratio": None,
    "name": "",
    "is_mint": False,
    "mint_date": "0001-01-01",
    "clock": "00:00:00",
    "local_time": "2026-03-02T00:00:00Z",
    "zoned_time": "2026-03-02T00:00:00Z",
    "hash": "",
    "anything": 7,
    "attributes": None,
    "entries": None,
}
_NULLS: Final[dict[str, Any]] = dict.fromkeys(_FULL) | {"block_timestamp": "2026-03-03T00:00:00"}

# As the message has them, in the order of their timestamps.
MESSAGES: Final = [_FULL, _EDGES, _NULLS]
