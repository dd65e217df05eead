"""Snowflake's part: the SQL that an administrator runs once."""

import dataclasses
import re

import pytest
import sqlglot
from sqlglot import exp

from infra.offline.build import ROOT
from shared.config import Settings
from shared.unload.statements import find_statement
from tests.infra import properties, roles
from tests.infra.conftest import Changed
from tests.infra.deployed import SNOWFLAKE, Deployment
from tests.infra.told import environment

RUNBOOK = "docs/runbooks/unloads-slow.md"


@pytest.fixture(scope="module")
def deployment(changed: Changed) -> Deployment:
    return changed(snowflake=SNOWFLAKE)


@pytest.fixture(scope="module")
def text(deployment: Deployment) -> str:
    return str(deployment.outputs["snowflake_setup"])


@pytest.fixture(scope="module")
def statements(text: str) -> list[str]:
    return _statements(text)


def _statements(text: str) -> list[str]:
    """Return the statements, each on one line."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    return [" ".join(one.split()) for one in lines.split(";") if one.strip()]


def _one(statements: list[str], start: str) -> str:
    (found,) = [statement for statement in statements if statement.startswith(start)]
    return found


def test_snowflakes_grammar_takes_every_statement_that_the_parser_knows(statements: list[str]) -> None:
    unknown = {
        " ".join(statement.split()[:3])
        for statement in statements
        if isinstance(sqlglot.parse_one(statement, read="snowflake"), exp.Command)
    }
    assert unknown == {
        "CREATE RESOURCE MONITOR",
        "ALTER RESOURCE MONITOR",
        "ALTER WAREHOUSE BACKFILLS_WAREHOUSE",
        "ALTER STORAGE INTEGRATION",
        'ALTER STAGE "BACKFILLS"."STAGING"."BACKFILLS_STAGE"',
        "CREATE ROLE IF",
        "CREATE USER IF",
        "GRANT ROLE BACKFILLS_ROLE",
        "GRANT USAGE ON",
        "GRANT SELECT ON",
    }


def test_the_warehouse_sleeps_and_costs_no_more_than_it_may(statements: list[str]) -> None:
    warehouse = _one(statements, "CREATE WAREHOUSE")
    assert "WAREHOUSE_SIZE = 'SMALL'" in warehouse
    assert "AUTO_SUSPEND = 60" in warehouse
    monitor = _one(statements, "CREATE RESOURCE MONITOR")
    assert "CREDIT_QUOTA = 200" in monitor
    assert "100 PERCENT DO SUSPEND" in monitor
    assert _one(statements, "ALTER WAREHOUSE").endswith(" RESOURCE_MONITOR = BACKFILLS_MONITOR")


def test_the_integration_leads_to_the_staging_bucket_alone(
    deployment: Deployment, statements: list[str]
) -> None:
    bucket = environment(deployment.functions()["stage"])["STAGING_BUCKET"]
    integration = _one(statements, "CREATE STORAGE INTEGRATION")
    assert integration.endswith(f"STORAGE_ALLOWED_LOCATIONS = ('gcs://{bucket}/')")
    assert f"URL = 'gcs://{bucket}/'" in _one(statements, "CREATE STAGE")


def test_the_stage_is_the_one_that_the_functions_are_told(
    deployment: Deployment, statements: list[str]
) -> None:
    functions = deployment.functions()
    stage = environment(functions["stage"])["SNOWFLAKE_STAGE"]
    assert stage == environment(functions["sweep"])["SNOWFLAKE_STAGE"]
    quoted = ".".join(f'"{part}"' for part in stage.split("."))
    assert _one(statements, "CREATE STAGE").startswith(f"CREATE STAGE IF NOT EXISTS {quoted} ")
    # Queries are listed in its database's INFORMATION_SCHEMA.
    assert f'GRANT USAGE ON DATABASE "{stage.split(".")[0]}" TO ROLE BACKFILLS_ROLE' in statements
    assert stage.split(".")[0] in find_statement(stage, "tag").text


def test_the_role_reads_what_is_on_offer_and_changes_nothing(statements: list[str]) -> None:
    grants = [statement for statement in statements if statement.startswith("GRANT")]
    given = {grant.split()[1] for grant in grants}
    assert given == {"USAGE", "SELECT", "ROLE"}
    assert all(grant.endswith(("TO ROLE BACKFILLS_ROLE", "TO USER BACKFILLS_USER")) for grant in grants)
    selects = [grant for grant in grants if grant.split()[1] == "SELECT"]
    assert {grant.split('"')[1] for grant in selects} == {"BASE"}


def test_the_user_is_a_service_without_a_password(statements: list[str]) -> None:
    user = _one(statements, "CREATE USER")
    assert "TYPE = SERVICE" in user
    assert not any("PASSWORD" in statement for statement in statements)


def test_the_runbooks_query_asks_for_the_user_and_the_database_that_are_made(statements: list[str]) -> None:
    (query,) = re.findall(r"^    SELECT .*?;$", (ROOT / RUNBOOK).read_text(), re.MULTILINE | re.DOTALL)
    assert not isinstance(sqlglot.parse_one(query, read="snowflake"), exp.Command)
    (database,) = re.findall(r'"(\w+)"\.INFORMATION_SCHEMA', query)
    (user,) = re.findall(r"USER_NAME => '(\w+)'", query)
    assert f'CREATE DATABASE IF NOT EXISTS "{database}"' in statements
    assert _one(statements, "CREATE USER").startswith(f"CREATE USER IF NOT EXISTS {user} ")


def test_it_may_be_run_again(statements: list[str]) -> None:
    creations = [statement for statement in statements if statement.startswith("CREATE")]
    assert creations
    assert all("IF NOT EXISTS" in statement for statement in creations)


_PROPERTY = re.compile(r"(\w+) = ('[^']*'|\([^)]*\)|\w+)|(?<=TRIGGERS )(ON .*)$")
# Snowflake takes these at the creation only, or they are the same in all deployments.
_ONLY_AT_FIRST = {"INITIALLY_SUSPENDED", "FREQUENCY", "START_TIMESTAMP", "TYPE", "STORAGE_PROVIDER"}
_ALTERED = ("WAREHOUSE", "RESOURCE MONITOR", "STORAGE INTEGRATION", "STAGE")


def _properties(statement: str) -> dict[str, str]:
    """Return the properties that a statement gives its object, with the triggers as one of them."""
    return {match[1] or "TRIGGERS": match[2] or match[3] for match in _PROPERTY.finditer(statement)}


@pytest.mark.parametrize("kind", _ALTERED)
def test_a_second_run_gives_an_object_the_values_that_a_first_one_would(
    changed: Changed, statements: list[str], kind: str
) -> None:
    """CREATE … IF NOT EXISTS does nothing on the second run."""
    other = changed(
        snowflake=SNOWFLAKE | {"warehouse_size": "LARGE", "credit_quota": 7},
        settings={"UNLOAD_LIMIT": "50000"},
    )
    second = _statements(other.outputs["snowflake_setup"])
    for run in (statements, second):
        created = _properties(_one(run, f"CREATE {kind} "))
        altered = _properties(_one(run, f"ALTER {kind} "))
        assert created
        assert created.items() - altered.items() <= {(name, created.get(name)) for name in _ONLY_AT_FIRST}
        assert altered.keys() - created.keys() <= {"RESOURCE_MONITOR"}
    values = {"WAREHOUSE_SIZE": "'LARGE'", "STATEMENT_TIMEOUT_IN_SECONDS": "50000", "CREDIT_QUOTA": "7"}
    altered = _properties(_one(second, f"ALTER {kind} "))
    assert values.items() & altered.items() == {one for one in values.items() if one[0] in altered}


def test_the_warehouse_gives_an_unload_the_time_that_the_service_gives_it(statements: list[str]) -> None:
    """Snowflake applies the shorter timeout of warehouse and session."""
    (setting,) = [one for one in dataclasses.fields(Settings) if one.metadata["name"] == "UNLOAD_LIMIT"]
    timeout = _properties(_one(statements, "ALTER WAREHOUSE"))["STATEMENT_TIMEOUT_IN_SECONDS"]
    assert timeout == setting.metadata["default"]


def test_the_handshakes_second_half_is_the_environments_variable(
    deployment: Deployment, changed: Changed, text: str
) -> None:
    assert text.rstrip().endswith("DESC STORAGE INTEGRATION BACKFILLS_INTEGRATION;")
    account = "example-snowflake@example-snowflake-project.iam.gserviceaccount.com"
    after = changed(snowflake=SNOWFLAKE | {"storage_account": account})
    admission = {("Snowflake", "backfillsUnloadWriter", "bucket staged")}
    assert roles.granted(after) - roles.granted(deployment) == admission
    properties.roles_are_exactly_these(after)


def test_a_database_that_another_account_shares_is_granted_as_a_whole(changed: Changed) -> None:
    """Snowflake refuses grants on single objects of a shared database."""
    deployment = changed(snowflake=SNOWFLAKE | {"shared_databases": ["ethereum"]})
    statements = _statements(deployment.outputs["snowflake_setup"])
    shared = [statement for statement in statements if '"ETHEREUM"' in statement]
    assert shared == ['GRANT IMPORTED PRIVILEGES ON DATABASE "ETHEREUM" TO ROLE BACKFILLS_ROLE']
    assert _one(statements, 'GRANT USAGE ON DATABASE "BASE"')
