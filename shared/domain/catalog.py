"""The table catalog: the tables that clients may export, and their key and block columns.

The catalog matches names only. It keeps no list of tables or columns, so the unload is what finds out
whether a table exists.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from shared.domain.errors import JobFails

# Snowflake's longest identifier without quotes. No character in it can end a quoted name.
IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_$]{0,254}"

_TABLE_NAME = re.compile(rf"{IDENTIFIER}\.{IDENTIFIER}\.{IDENTIFIER}")
_PATTERN = re.compile(rf"({IDENTIFIER}|\*)\.({IDENTIFIER}|\*)\.({IDENTIFIER}|\*)")
_COLUMN = re.compile(IDENTIFIER)


def table_name(text: str) -> str:
    """Return ``catalog.schema.table`` in lower case, because names match without case.

    Raises ValueError, with a text for people, if ``text`` is not three plain identifiers.
    """
    if _TABLE_NAME.fullmatch(text) is None:
        raise ValueError("Write catalog.schema.table, each part of letters, digits, _ and $ without quotes")
    return text.lower()


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """Tables whose names match a pattern of three parts. Each part is a name or ``*``.

    ``key_column`` holds the keys of Kafka messages. ``block_column`` serves windows by block. None means that
    the tables have no such column.
    """

    tables: str
    key_column: str | None = None
    block_column: str | None = None

    def covers(self, table: str) -> bool:
        parts = zip(self.tables.lower().split("."), table.lower().split("."), strict=True)
        return all(pattern in {"*", part} for pattern, part in parts)


class TableNotOffered(JobFails):
    """No entry covers the table.

    The API refuses the request. Staging fails the job if the entry was withdrawn after the job was created.

    Operator: put the entry back into `TABLE_CATALOG`, if the table is to be on offer.
    """


@dataclass(frozen=True, slots=True)
class Catalog:
    """The entries, in the order in which lookups try them."""

    entries: tuple[CatalogEntry, ...]

    def entry(self, table: str) -> CatalogEntry:
        """Return the first entry that covers the ``catalog.schema.table``; TableNotOffered if none does."""
        for entry in self.entries:
            if entry.covers(table):
                return entry
        raise TableNotOffered(f"The table is not on offer; supported are {self}")

    def __str__(self) -> str:
        return ", ".join(entry.tables for entry in self.entries)


BASE_TABLES = Catalog((CatalogEntry("base.assets.*", key_column="unique_id"), CatalogEntry("base.*.*")))


def load_catalog(text: str) -> Catalog:
    """Read a catalog from JSON: a list of objects with ``tables`` and, optionally, ``key_column`` and
    ``block_column``. An empty text means the Base tables. ValueError names what is wrong.
    """
    if not text:
        return BASE_TABLES
    entries = json.loads(text)
    if not isinstance(entries, list) or not entries:
        raise ValueError("the table catalog must be a list with at least one entry")
    return Catalog(tuple(_entry(entry) for entry in entries))


def _entry(content: Any) -> CatalogEntry:
    if not isinstance(content, dict) or not {"tables"} <= content.keys() <= {
        "tables",
        "key_column",
        "block_column",
    }:
        raise ValueError(
            "an entry of the table catalog needs tables, and may have key_column and block_column"
        )
    if not _fits(_PATTERN, content["tables"]):
        raise ValueError("tables in the table catalog must look like base.assets.*")
    for name in ("key_column", "block_column"):
        if content.get(name) is not None and not _fits(_COLUMN, content[name]):
            raise ValueError(f"{name} in the table catalog must be a column's name")
    return CatalogEntry(**content)


def _fits(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None
