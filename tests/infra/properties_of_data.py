"""Required properties of the storage of records and staged files."""

import math
import re

from infra.offline.build import ROOT
from shared.config import read
from tests.infra import query_shapes
from tests.infra.deployed import Deployment
from tests.infra.told import environment


def indexes_are_those_of_the_queries(deployment: Deployment) -> None:
    needed = query_shapes.needed()
    composite = {
        (
            index.values["query_scope"],
            index.values["collection"],
            tuple((field["field_path"], field["order"]) for field in index.values["fields"]),
        )
        for index in deployment.of("google_firestore_index")
    }
    assert composite == needed.composite
    fields = deployment.of("google_firestore_field")
    single = {
        (index["query_scope"], field.values["collection"], field.values["field"])
        for field in fields
        for index in field.block("index_config").get("indexes") or ()
    }
    exempt = {field.values["collection"] for field in fields if field.values["field"] == "*"}
    assert single == {shape for shape in needed.single if shape[1] in exempt}
    expiring = {(one.values["collection"], one.values["field"]) for one in fields if one.values["ttl_config"]}
    assert expiring == {("idempotency_keys", "expires")}


def the_bucket_is_near_snowflake_and_forgets(deployment: Deployment) -> None:
    (bucket,) = [one for one in deployment.of("google_storage_bucket") if one.address.endswith(".staging")]
    assert bucket.values["location"] == _snowflakes_regions()[bucket.values["project"]]
    ages = {
        rule["action"][0]["type"]: rule["condition"][0]["age"] for rule in bucket.values["lifecycle_rule"]
    }
    told = environment(deployment.functions()["api"])
    # A retry on the last allowed day may run as long as a job may.
    sweeps = environment(deployment.functions()["sweep"])
    limit = read(sweeps | {"K_SERVICE": "sweep", "SNOWFLAKE_CONNECT": "{}"}).job_limit
    assert ages["Delete"] == int(told["STAGED_FILES_DAYS"]) + math.ceil(limit / 86400)


def exports_are_forgotten(deployment: Deployment) -> None:
    """They hold every record. roles.py shows that nobody is granted anything on their bucket."""
    (bucket,) = [one for one in deployment.of("google_storage_bucket") if one.address.endswith(".exports")]
    assert not bucket.values["versioning"]
    assert bucket.block("soft_delete_policy")["retention_duration_seconds"] == 0
    (rule,) = bucket.values["lifecycle_rule"]
    assert rule["action"][0]["type"] == "Delete"
    assert rule["condition"][0]["age"] <= 7


def _snowflakes_regions() -> dict[str, str]:
    """Return them by the environments' projects."""
    texts = [file.read_text() for file in (ROOT / "infra/environments").glob("*.tfvars")]
    named = re.compile(r'^(project|snowflake_region) += "(\S+)"', re.MULTILINE)
    found: list[dict[str, str]] = [dict(named.findall(text)) for text in texts]
    return {values["project"]: values["snowflake_region"] for values in found}


def data_is_protected(deployment: Deployment) -> None:
    (database,) = deployment.of("google_firestore_database")
    assert database.values["point_in_time_recovery_enablement"] == "POINT_IN_TIME_RECOVERY_ENABLED"
    assert database.values["name"] == "(default)", "the functions' clients ask for no other"
    assert deployment.of("google_firestore_backup_schedule")
    protected = database.values["delete_protection_state"] == "DELETE_PROTECTION_ENABLED"
    (trigger, *_) = deployment.of("google_cloudbuild_trigger")
    assert protected or trigger.values["substitutions"]["_ENVIRONMENT"] == "dev"
