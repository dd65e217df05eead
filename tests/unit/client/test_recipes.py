"""Each recipe sends the same request with the command line and with curl, and its SQL parses in its
warehouse.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from tests.recipes import recipes, run
from tests.unit.client.service import JOB_ID, Asked, Says, job, serving

BACKFILLS = "/api/v1/beam/backfills"
PAIRS = sorted({name.partition(",")[0] for name in recipes() if "," in name})


def answer(asked: Asked) -> Says:
    """Answer like a service whose only job is completed, and whose list shows it anyway."""
    if asked.method == "POST" and asked.path == BACKFILLS:
        return Says(201, {"job_id": JOB_ID, "workflow_id": "w"})
    return Says(200, [job()] if asked.path.partition("?")[0] == BACKFILLS else job("completed"))


def changes(name: str, folder: Path) -> list[tuple[str, Any, str | None]]:
    """Return the recipe's POST requests: path, JSON, and the idempotency key."""
    with serving(answer) as server:
        run(
            name,
            folder,
            {
                "BACKFILLS_URL": server.url,
                "BACKFILLS_API_KEY": "key",
                "BUCKET": "my-lake",
                "JOB_ID": JOB_ID,
                "RECEIVER_URL": "https://ledger.example.com/rows",
            },
        )
    assert server.asked
    for asked in server.asked:
        assert {key.lower(): value for key, value in asked.headers.items()}["x-api-key"] == "key"
    return [
        (
            asked.path,
            json.loads(asked.body) if asked.body else None,
            asked.headers.get("Idempotency-Key") if name.startswith("rerun") else None,
        )
        for asked in server.asked
        if asked.method == "POST"
    ]


@pytest.mark.parametrize("recipe", PAIRS)
def test_the_command_line_and_curl_ask_for_the_same(recipe: str, tmp_path: Path) -> None:
    by_command_line = changes(f"{recipe}, command line", tmp_path)
    assert by_command_line == changes(f"{recipe}, curl", tmp_path)
    assert bool(by_command_line) == (recipe != "failed")


def test_the_recipes_that_are_tested_are_all_that_the_page_has() -> None:
    text = (Path(__file__).parents[3] / "docs/recipes.md").read_text()
    fenced = text.count("```bash\n") + text.count("```sql\n")
    assert fenced == len(recipes()) + 1  # the two variables, which each test sets itself
    headings = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert [f"- [{each}]" for each in headings] == [
        line.partition("(")[0] for line in text.splitlines() if line.startswith("- [")
    ]


@pytest.mark.parametrize("dialect", ["bigquery", "duckdb"])
def test_the_loads_parse_as_their_warehouses_sql(dialect: str) -> None:
    statements = sqlglot.parse(recipes()[dialect], read=dialect)
    kinds = [type(each) for each in statements]
    assert exp.Delete in kinds
    assert exp.Insert in kinds
    assert kinds.index(exp.Transaction) < kinds.index(exp.Delete) < kinds.index(exp.Commit)
