"""The table catalog: which tables are on offer, and what is known of them by name alone.

It keeps no lists of tables or columns: whether a table exists is for the unload to find out.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from shared.domain.errors import JobFails

# What Snowflake takes without quotes, at its greatest length: nothing in it can end a quoted name.
IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_$]{0,254}"

_TABLE_NAME = re.compile(rf"{IDENTIFIER}\.{IDENTIFIER}\.{IDENTIFIER}")
_PATTERN = re.compile(rf"({IDENTIFIER}|\*)\.({IDENTIFIER}|\*)\.({IDENTIFIER}|\*)")
_COLUMN = re.compile(IDENTIFIER)


def table_name(text: str) -> str:
    """``catalog.schema.table`` in lower case, for names are matched without case.

    ValueError, for a person, if the text is not three plain identifiers.
    """
    if _TABLE_NAME.fullmatch(text) is None:
        raise ValueError("Write catalog.schema.table, each part of letters, digits, _ and $ without quotes")
    return text.lower()


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """Tables whose names fit a pattern of three parts, each a name or ``*``.

    ``key_column`` gives Kafka messages their key, ``block_column`` the window by block; None: there is none.
    """

    tables: str
    key_column: str | None = None
    block_column: str | None = None

    def covers(self, table: str) -> bool:
        parts = zip(self.tables.lower().split("."), table.lower().split("."), strict=True)
        return all(pattern in {"*", part} for pattern, part in parts)


class TableNotOffered(JobFails):
    """No entry covers the table: refused by the API, and by staging if it was withdrawn since."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """The entries in the order in which they are tried."""

    entries: tuple[CatalogEntry, ...]

    def entry(self, table: str) -> CatalogEntry:
        """The first entry that covers the ``catalog.schema.table``; TableNotOffered if none does."""
        for entry in self.entries:
            if entry.covers(table):
                return entry
        raise TableNotOffered(f"The table is not on offer; supported are {self}")

    def __str__(self) -> str:
        return ", ".join(entry.tables for entry in self.entries)


BASE_TABLES = Catalog((CatalogEntry("base.assets.*", key_column="unique_id"), CatalogEntry("base.*.*")))


def load_catalog(text: str) -> Catalog:
    """Read a catalog from JSON, a list of objects with ``tables`` and, if they have them, the columns'
    names; from an empty text the Base tables. ValueError names what is wrong.
    """
    if not text:
        return BASE_TABLES
    entries = json.loads(text)
    if not isinstance(entries, list) or not entries:
        raise ValueError("the table catalog is not a list of entries")
    return Catalog(tuple(_entry(entry) for entry in entries))


def _entry(content: Any) -> CatalogEntry:
    if not isinstance(content, dict) or not {"tables"} <= content.keys() <= {
        "tables",
        "key_column",
        "block_column",
    }:
        raise ValueError("an entry of the table catalog has tables, and may have key_column and block_column")
    if not _fits(_PATTERN, content["tables"]):
        raise ValueError("tables of the table catalog is not like base.assets.*")
    for name in ("key_column", "block_column"):
        if content.get(name) is not None and not _fits(_COLUMN, content[name]):
            raise ValueError(f"{name} of the table catalog is not a column's name")
    return CatalogEntry(**content)


def _fits(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None
