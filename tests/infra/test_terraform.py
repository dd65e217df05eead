"""Terraform reads the configuration, and the stand-in for the provider would detect a fault."""

import io
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from infra.offline.build import ROOT, build
from infra.offline.schema import read_schema
from infra.offline.setup import missing_terraform
from infra.offline.terraform import Terraform, TerraformFailed
from tests.infra.conftest import Changed, Deploy, Edited
from tests.infra.deployed import KAFKA, SNOWFLAKE


def test_the_configuration_is_formatted(terraform: Terraform) -> None:
    assert terraform.run(ROOT / "infra", "fmt", "-check", "-recursive", "-diff").text == ""


def test_the_configuration_is_valid(terraform: Terraform, configuration: Path) -> None:
    terraform.must(configuration, "validate", "-no-color")


_EXPIRY = """
  expiration_policy {
    ttl = ""
  }
"""


@pytest.mark.parametrize(
    ("was", "becomes", "complaint"),
    [
        ("ack_deadline_seconds", "ack_deadline_second", "Unsupported argument"),
        ("retain_acked_messages      = true", "retain_acked_messages      = []", "Inappropriate value"),
        ("  push_config {", "  push_configuration {", "Unsupported block type"),
        ("  topic   = google_pubsub_topic.this[each.key].id\n\n", "\n", "Missing required argument"),
        ('"google_pubsub_topic" "this"', '"google_pubsub_topick" "this"', "Invalid resource type"),
        ("    push_endpoint = var.urls[each.value]\n", "", "Missing required argument"),
        (_EXPIRY, _EXPIRY + _EXPIRY, "Too many"),
    ],
)
def test_a_fault_is_found_without_the_provider(
    terraform: Terraform, edited: Edited, was: str, becomes: str, complaint: str
) -> None:
    answer = terraform.run(edited("modules/messaging/main.tf", was, becomes), "validate", "-no-color")
    assert answer.status != 0
    assert complaint in answer.text


def test_a_reference_to_nothing_is_found_without_the_provider(terraform: Terraform, edited: Edited) -> None:
    folder = edited("modules/identities/main.tf", "account.build.member", "account.build.members")
    assert "Unsupported attribute" in terraform.run(folder, "validate", "-no-color").text


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"environment": "test"}, "The environment must be dev, staging or prod"),
        ({"kafka": KAFKA | {"marker_days": 0}}, "keep the offsets"),
        ({"snowflake": SNOWFLAKE | {"tables_from": ["BASE; DROP TABLE X"]}}, "plain identifiers"),
        ({"snowflake": SNOWFLAKE | {"shared_databases": ["BASE; DROP TABLE X"]}}, "plain identifiers"),
        ({"snowflake": SNOWFLAKE | {"warehouse_size": "GIANT"}}, "XSMALL, SMALL"),
        ({"snowflake": SNOWFLAKE | {"storage_account": "somebody"}}, "DESC STORAGE INTEGRATION"),
        ({"staged_files_days": 0}, "whole days"),
        ({"milli_cpu_quota": 60000}, "also needs quota_contact"),
        ({"receipt_days": 0.5}, "receipt_days must be a number of whole days"),
        ({"settings": {"KAFKA_CLIENT": "{}"}}, "no secrets"),
        ({"schema_registry_url": "https://anna:secret@registry.example.com"}, "without user information"),
        ({"settings": {"STAGING_BUCKET": "other"}}, "nothing else"),
        ({"settings": {"PUSH_CHECKED_BY_IAM": "false"}}, "nothing else"),
        ({"settings": {"UNLOAD_FILE_BITES": "1"}}, "must be variables of"),
    ],
)
def test_values_that_can_not_work_are_refused(
    changed: Changed, values: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(TerraformFailed, match=complaint):
        changed(**values)


def test_google_asks_the_quotas_contact_and_not_the_recipient_of_alerts(deployed: Deploy) -> None:
    """An alias of a team is no account that may change quotas."""
    (quota,) = deployed("prod").of("google_cloud_quotas_quota_preference")
    (channel,) = deployed("prod").of("google_monitoring_notification_channel")
    written = (ROOT / "infra/environments/prod.tfvars").read_text()
    assert f'"{quota.values["contact_email"]}"' in re.findall(
        r'^quota_contact += (".*")$', written, re.MULTILINE
    )
    assert quota.values["contact_email"] != channel.values["labels"]["email_address"]


def test_the_first_half_of_a_deployment_gives_what_the_other_sides_need(
    terraform: Terraform, configuration: Path, bundles: Path
) -> None:
    values = ("-var-file=environments/dev.tfvars", f"-var=bundles={bundles}")
    terraform.must(configuration, "test", "-no-color", "-filter=tests/first_half.tftest.hcl", *values)


def test_environments_differ_in_values_only() -> None:
    """Each sets everything without a default; a secret's version, for example, is raised in one after the
    other.
    """
    declaration = re.compile(r'^variable "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
    default = re.compile(r"^  default +=", re.MULTILINE)
    declared = dict(declaration.findall((ROOT / "infra/variables.tf").read_text()))
    required = {name for name, text in declared.items() if not default.search(text)}
    files = sorted((ROOT / "infra/environments").glob("*.tfvars"))
    assert [file.stem for file in files] == ["dev", "prod", "staging"]
    for file in files:
        named = set(re.findall(r"^(\w+) *=", file.read_text(), re.MULTILINE))
        assert required <= named <= declared.keys(), file.name


def test_the_schema_served_is_that_of_the_oldest_provider_allowed() -> None:
    [oldest] = re.findall(
        r'"hashicorp/google"\n +version = "~> (\d+\.\d+)"', (ROOT / "infra/versions.tf").read_text()
    )
    assert f"of provider {oldest}.0," in (ROOT / "infra/offline/requirements.in").read_text()


JAVASCRIPT = """
function thingPartToHclTerraform(struct) {
    const attrs = {
        size: {
            value: cdktn.numberToHclTerraform(struct.size),
            isBlock: false,
            type: "simple",
            storageClassType: "number",
        },
    };
}
class ThingPartOutputReference extends cdktn.ComplexObject {
    get size() {
        return this.getNumberAttribute('size');
    }
    resetSize() {
    }
}
class Thing extends cdktn.TerraformResource {
    constructor(scope, id, config) {
        // part - computed: false, optional: false, required: true
        this._part = new ThingPartOutputReference(this, "part");
    }
    // address - computed: true, optional: false, required: false
    get address() {
        return this.getStringAttribute('address');
    }
    synthesizeHclAttributes() {
        const attrs = {
            names: {
                value: cdktn.listMapperHcl(cdktn.stringToHclTerraform, false)(this._names),
                isBlock: false,
                type: "set",
                storageClassType: "stringList",
            },
            part: {
                value: thingPartToHclTerraform(this._part.internalValue),
                isBlock: true,
                type: "list",
                storageClassType: "ThingPartList",
            },
        };
    }
}
"""


def test_a_schema_is_read_from_the_published_package() -> None:
    assert read_schema(JAVASCRIPT)["block"] == {
        "attributes": {
            "address": {"type": "string", "computed": True},
            "names": {"type": ["set", "string"], "required": True},
        },
        "block_types": {
            "part": {
                "nesting_mode": "list",
                "max_items": 1,
                "min_items": 1,
                "block": {"attributes": {"size": {"type": "number", "optional": True}}, "block_types": {}},
            }
        },
    }


def test_a_package_without_what_is_wanted_is_refused(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as archive:
        member = tarfile.TarInfo("package/lib/thing/index.js")
        member.size = len(JAVASCRIPT)
        archive.addfile(member, io.BytesIO(JAVASCRIPT.encode()))
    with zipfile.ZipFile(tmp_path / "package.whl", "w") as wheel:
        wheel.writestr("package/provider.jsii.tgz", inner.getvalue())
    schemas = build(tmp_path / "package.whl", {"provider": "thing", "google_thing": "thing"})
    assert schemas["resource_schemas"].keys() == {"google_thing"}
    with pytest.raises(ValueError, match="the provider has no other"):
        build(tmp_path / "package.whl", {"google_other": "other"})


def test_the_check_against_the_real_provider_runs_every_step(terraform: Terraform) -> None:
    """Here the stand-in replaces the provider."""
    command = [sys.executable, "-m", "infra.offline.verify"]
    done = subprocess.run(
        command, cwd=ROOT, env=dict(terraform.environment), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines() if line.startswith("terraform ")] == [
        "init",
        "validate",
        "test",
        "test",
        "test",
    ]
    assert done.stdout.count("Success! 2 passed, 0 failed.") == 3


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ("Terraform v1.12.0", None),
        ("Terraform v1.9.8\non linux_amd64", "Terraform 1.11 or newer is missing .*1.9.8"),
        ("", "says nothing"),
    ],
)
def test_an_old_terraform_is_named_with_how_to_get_a_newer_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, complaint: str | None
) -> None:
    command = tmp_path / "terraform"
    command.write_text(f"#!/bin/sh\nprintf '%s' '{told}'\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    found = missing_terraform()
    assert (found is None) == (complaint is None)
    assert complaint is None or re.search(complaint.replace("(", r"\("), found or "")


def test_a_missing_terraform_is_named_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert "hashicorp/terraform:1.11.4" in (missing_terraform() or "")
