"""Statements about the account and its objects, which DuckDB does not know."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa

from local_snowflake.failures import missing
from local_snowflake.rowsets import Rowset, of_table, text_result

if TYPE_CHECKING:
    from local_snowflake.controls import Controls
    from local_snowflake.engine import Connection
    from local_snowflake.queries import Query
    from local_snowflake.sessions import Session

INTEGRATION = "BACKFILLS_INTEGRATION"
_ACCOUNT = "local-snowflake@local-snowflake.iam.gserviceaccount.com"

_WHO = re.compile(r"\s*SELECT\s+CURRENT_ROLE\(\)\s*,\s*CURRENT_WAREHOUSE\(\)\s*$", re.IGNORECASE)
_STAGE = re.compile(r'\s*DESC\s+STAGE\s+"([^"]+)"\."([^"]+)"\."([^"]+)"\s*$', re.IGNORECASE)
_INTEGRATION = re.compile(r'\s*DESC\s+STORAGE\s+INTEGRATION\s+"?(\w+)"?\s*$', re.IGNORECASE)
_WAIT = re.compile(r"\s*SELECT\s+SYSTEM\$WAIT\((\d+)\)\s*$", re.IGNORECASE)
_STAGES = """
    SELECT url FROM _fs_global._fs_information_schema._fs_stages
    WHERE database_name = ? AND schema_name = ? AND name = ?
"""


def answer(
    text: str, query: Query, session: Session, connection: Connection, controls: Controls
) -> Rowset | None:
    """Return the account's answer, or None if the statement is about something else."""
    if _WHO.match(text):
        names = {"CURRENT_ROLE()": [session.role], "CURRENT_WAREHOUSE()": [session.warehouse]}
        return of_table(pa.table(names, pa.schema(dict.fromkeys(names, pa.string()))), {}, 0x1000)
    if match := _STAGE.match(text):
        return _stage(*match.groups(), connection, controls)
    if match := _INTEGRATION.match(text):
        return _integration(match[1], connection, controls)
    if match := _WAIT.match(text):
        if not controls.has("ends at once"):
            query.canceled.wait(float(match[1]))
        return text_result("SYSTEM$WAIT", f"waited {match[1]} seconds")
    return None


def _stage(database: str, schema: str, name: str, connection: Connection, controls: Controls) -> Rowset:
    row = connection.fetch(_STAGES, [database, schema, name])
    if not row:
        raise missing("Stage", f"{database}.{schema}.{name}")
    url = "gcs://elsewhere/" if controls.has("stage elsewhere") else row[0][0]
    integration = "" if controls.has("stage without integration") else INTEGRATION
    return _described(
        ["parent_property", "property", "property_type", "property_value", "property_default"],
        [
            ("STAGE_LOCATION", "URL", "String", f'["{url}"]', ""),
            ("STAGE_INTEGRATION", "STORAGE_INTEGRATION", "String", integration, ""),
        ],
    )


def _integration(name: str, connection: Connection, controls: Controls) -> Rowset:
    if name.upper() != INTEGRATION:
        raise missing("Integration", name.upper())
    urls = connection.fetch("SELECT url FROM _fs_global._fs_information_schema._fs_stages")
    allowed = (
        "gcs://elsewhere/" if controls.has("integration elsewhere") else ",".join(url for (url,) in urls)
    )
    enabled = "false" if controls.has("integration disabled") else "true"
    return _described(
        ["property", "property_type", "property_value", "property_default"],
        [
            ("ENABLED", "Boolean", enabled, "false"),
            ("STORAGE_PROVIDER", "String", "GCS", ""),
            ("STORAGE_ALLOWED_LOCATIONS", "List", allowed, "[]"),
            ("STORAGE_BLOCKED_LOCATIONS", "List", "", "[]"),
            ("STORAGE_GCP_SERVICE_ACCOUNT", "String", _ACCOUNT, ""),
        ],
    )


def _described(names: list[str], rows: list[tuple[str, ...]]) -> Rowset:
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    return of_table(pa.table(columns, names=names), {}, 0x1000)
