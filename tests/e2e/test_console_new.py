"""The form for new backfills in a browser, on a scripted service."""

import copy
import json
import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from shared.destinations import KINDS
from shared.web.routes import BACKFILLS
from tests.e2e.support.console import Visit
from tests.fakes.console_jobs import ESTIMATE, new_job
from tests.fakes.web import KEY, Service


def test_a_refused_request_shows_each_fault_beside_its_field(at: Visit) -> None:
    at.scene.estimate = ESTIMATE
    at.enter("/console/new")
    at.fill_in()
    at.page.get_by_label("Name").fill("hook")
    at.page.get_by_label("URL").fill("https://user:secret@example.com/rows")
    at.page.get_by_text("More settings").click()
    at.page.get_by_label("Max parallel requests").fill("99")
    at.button("Next").click()
    field = at.page.get_by_label("Max parallel requests")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(
        "At most 16. Requests of one chunk that may be in flight at once; 4 by default."
    )
    field.fill("3")
    faults = [{"loc": ["body", "destinations", 0, "url"], "msg": "No user in it", "type": "webhook_url"}]
    faults += [{"loc": ["body", "columns", 1], "msg": "There is no such column", "type": "not_in_snowflake"}]
    at.page.get_by_label("URL").fill("https://example.com/rows")
    at.scene.refuse(422, faults)
    at.button("Next").click()
    expect(at.page.get_by_label("URL")).to_be_focused()
    expect(at.page.get_by_label("URL")).to_have_accessible_description(
        "No user in it Where requests are sent: https, in printable ASCII, without user information."
        " The host has public addresses only."
    )
    at.button("Columns: item 2: There is no such column").click()
    expect(at.page.get_by_label("Columns")).to_be_focused()


def test_a_backfill_is_made_step_by_step_once_however_often_it_is_asked_for(at: Visit) -> None:
    at.scene.estimate = ESTIMATE
    at.enter("/console/new")
    at.fill_in()
    at.page.get_by_label("Name").fill("hook")
    at.page.get_by_label("URL").fill("https://example.com/rows")
    at.button("Next").click()
    expect(at.page.get_by_text("1,234,567")).to_be_visible()
    expect(at.page.get_by_text("12345678901234567890123")).to_be_visible()
    at.button("Next").click()
    at.page.get_by_text("The same with curl").click()
    command = at.page.get_by_label("The same with curl", exact=True).filter(has_text="curl -X POST")
    expect(command).to_contain_text(f'curl -X POST "{at.scene.url}{BACKFILLS}"')
    expect(command).not_to_contain_text(KEY)
    at.scene.refuse(503, "The job store does not answer")
    at.button("Create backfill").click()
    expect(at.alert).to_contain_text("The job store does not answer")
    at.scene.refuse(503, "The job store does not answer still")
    at.button("Create backfill").click()
    expect(at.alert).to_contain_text("still")
    at.button("Create backfill").click()
    expect(at.heading).to_have_text("A week of transfers")
    (body,) = at.scene.bodies
    assert body == {
        "job_name": "A week of transfers",
        "table": "base.assets.erc20_token_transfers",
        "backfill_window": {"partition_key": "block_timestamp", "start": "2026-03-01", "end": "2026-03-08"},
        "filter": {"column": "amount", "values": [1, 12_345_678_901_234_567_890_123]},
        "columns": ["block_number", {"column": "amount", "as": "value"}],
        "destinations": [{"type": "webhook", "name": "hook", "url": "https://example.com/rows"}],
    }
    assert (len(at.scene.keys), len(set(at.scene.keys))) == (3, 1)
    assert at.page.evaluate("sessionStorage.getItem('backfills.draft')") is None


def test_the_commands_ask_for_the_same_whatever_the_values_are(at: Visit, tmp_path: Path) -> None:
    wicked = "$(touch harm) `touch harm` 'JSON' \\ \" !! JSON"
    job = at.scene.add(new_job(1, job_name=wicked, filter_values=[wicked]))
    at.enter(f"/console/new?from={job['job_id']}")
    at.button("Confirm").click()
    wanted = json.loads(at.page.get_by_label("The request", exact=True).inner_text())
    assert (wanted["job_name"], wanted["filter"]["values"]) == (wicked, [wicked])
    for summary in at.page.locator(".command summary").all():
        summary.click()
    curl, command_line = at.page.locator(".command pre").all_inner_texts()
    # The command line has its own tests: here it only reads the file.
    stand_in = tmp_path / "backfills"
    stand_in.write_text(
        '#!/bin/sh\n[ "$BACKFILLS_API_KEY" = "$API_KEY" ] && echo "$BACKFILLS_URL" "$@" > asked\n'
    )
    stand_in.chmod(0o755)
    for command in (curl, command_line):
        environment = os.environ | {"API_KEY": KEY, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        subprocess.run(["bash", "-ec", command], cwd=tmp_path, env=environment, check=True)  # noqa: S603, S607 - it is what a person would do
    assert at.scene.bodies == [wanted]
    assert json.loads((tmp_path / "job.json").read_text()) == wanted
    assert (tmp_path / "asked").read_text() == f"{at.scene.url} create -f job.json --watch\n"
    assert not (tmp_path / "harm").exists()


def test_every_kind_of_destination_of_the_description_has_its_form(at: Visit) -> None:
    # All services of a process answer with the same document.
    described = copy.deepcopy(at.scene.service.api.openapi)
    at.scene.service.api = replace(at.scene.service.api, openapi=described)
    schemas = described["components"]["schemas"]
    made = schemas["CreateBackfill"]["properties"]["destinations"]["items"]
    # A kind without any code in the console.
    schemas["ParrotDestination"] = {
        "type": "object",
        "properties": {
            "type": {"const": "parrot"},
            "name": {"type": "string"},
            "perch": {"type": "string", "description": "Where it sits."},
            "loud": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
            "words": {"type": "array", "items": {"type": "string"}},
            "cage": {"anyOf": [{"type": "object"}, {"type": "null"}]},
        },
        "required": ["type", "name", "perch", "words"],
    }
    made["oneOf"].append({"$ref": "#/components/schemas/ParrotDestination"})
    at.enter("/console/new?from=" + at.scene.add(new_job(1))["job_id"])
    at.button("Destinations").click()
    at.page.get_by_label("Kind of destination").select_option("parrot")
    at.button("Add destination").click()
    form = at.page.get_by_role("group", name="Parrot")
    form.get_by_label("Name").fill("polly")
    form.get_by_label("Perch").fill("mast")
    form.get_by_label("Words").fill("hello\nthere")
    form.get_by_text("More settings").click()
    form.get_by_label("Loud").check()
    form.get_by_label("Cage").fill('{"bars": 7}')
    at.scene.estimate = ESTIMATE
    at.button("Confirm").click()
    shown = at.page.get_by_label("The request", exact=True)
    expect(shown).to_contain_text('"words": [')
    assert '"cage": {\n        "bars": 7\n      }' in shown.inner_text()
    assert '"loud": true' in shown.inner_text()


# The fields that are typed as JSON on purpose, with the reason.
AS_JSON: dict[tuple[str, str], str] = {}


def test_every_field_of_every_kind_has_a_control_of_its_own(at: Visit) -> None:
    at.enter("/console/new?from=" + at.scene.add(new_job(1, kinds=("webhook",)))["job_id"])
    at.button("Destinations").click()
    at.button("Remove Webhook").click()
    as_json = set()
    for name, kind in KINDS.items():
        at.page.get_by_label("Kind of destination").select_option(name)
        at.button("Add destination").click()
        card = at.page.locator(".forms > li").last
        shown = card.locator(".form > * > label, .form > .union > .field > label, .form .check > label").all()
        labels = [label.text_content() or "" for label in shown]
        told = {label.removesuffix(" optional").lower().replace(" ", "_") for label in labels}
        assert told == kind.spec().model_fields.keys() - {"type"}, name
        boxes = card.locator(".field.json > label").all()
        as_json |= {(name, (label.text_content() or "").removesuffix(" optional").lower()) for label in boxes}
    assert as_json == AS_JSON.keys(), "fields that a person would have to type as JSON"


def test_a_field_of_words_and_objects_is_a_choice_with_the_objects_own_fields(
    at: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The documents are shared among services, thus among tests.
    schemas = at.scene.service.api.openapi["components"]["schemas"]
    with_own = Service(schema_registry=True).api.openapi["components"]["schemas"]
    monkeypatch.setitem(schemas, "AvroFormat", with_own["AvroFormat"])
    at.scene.estimate = ESTIMATE
    job = new_job(1, kinds=("kafka",))
    registry = {"url": "https://registry.example/apis", "credentials": "LOGIN"}
    job["destinations"][0]["format"] = {"type": "avro", "registry": registry}
    at.enter("/console/new?from=" + at.scene.add(job)["job_id"])
    at.button("Destinations").click()
    form = at.page.get_by_role("group", name="Kafka", exact=True)
    expect(form.get_by_label("URL")).to_have_value("https://registry.example/apis")
    expect(form.get_by_label("Credentials")).to_have_value("LOGIN")
    form.get_by_label("URL").fill("ftp://registry.example")
    at.button("Next").click()
    expect(form.get_by_label("URL")).to_have_attribute("aria-invalid", "true")
    form.get_by_label("URL").fill("https://registry.example/other")
    faults = [
        {"loc": ["body", "destinations", 0, "format", "registry", "url"], "msg": "Not there", "type": "x"}
    ]
    at.scene.refuse(422, faults)
    at.button("Next").click()
    expect(form.get_by_label("URL")).to_be_focused()
    expect(form.get_by_label("URL")).to_have_accessible_description(re.compile("^Not there"))
    assert requested(at)["format"] == {
        "type": "avro",
        "registry": registry | {"url": "https://registry.example/other"},
    }
    at.button("Destinations").click()
    form.get_by_role("combobox", name="Registry").select_option("default")
    expect(form.get_by_label("URL")).to_have_count(0)
    assert requested(at)["format"] == {"type": "avro", "registry": "default"}
    at.button("Destinations").click()
    form.get_by_role("combobox", name="Format").select_option("json")
    assert requested(at)["format"] == "json"
    at.button("Destinations").click()
    form.get_by_role("combobox", name="Format").select_option("Default")
    assert "format" not in requested(at)


def test_without_a_registry_of_the_services_own_only_anothers_is_asked_for(at: Visit) -> None:
    at.scene.estimate = ESTIMATE
    at.enter("/console/new?from=" + at.scene.add(new_job(1, kinds=("kafka",)))["job_id"])
    at.button("Destinations").click()
    form = at.page.get_by_role("group", name="Kafka", exact=True)
    form.get_by_text("More settings").click()
    form.get_by_role("combobox", name="Format").select_option("avro")
    at.button("Next").click()
    expect(form.get_by_label("URL")).to_have_accessible_description(re.compile("^Fill this in"))
    form.get_by_label("URL").fill("https://registry.example")
    assert at.complaints() == []
    assert requested(at)["format"] == {"type": "avro", "registry": {"url": "https://registry.example"}}


def requested(at: Visit) -> dict[str, Any]:
    """Return the only destination of the request that the form would send."""
    at.button("Confirm").click()
    (one,) = json.loads(at.page.get_by_label("The request", exact=True).inner_text())["destinations"]
    return dict(one)


def test_starting_again_takes_over_all_values(at: Visit) -> None:
    job = new_job(
        1, kinds=("gcs", "webhook"), oversized_rows="skip", columns=["a", {"column": "b", "as": "c"}]
    )
    at.enter(f"/console/jobs/{at.scene.add(job)['job_id']}")
    at.page.get_by_role("link", name="Start again").click()
    at.button("Confirm").click()
    text = at.page.get_by_label("The request", exact=True).inner_text()
    for value in (
        "acme-lake",
        "ledger.example.com",
        '"oversized_rows": "skip"',
        '"as": "c"',
        "2026-03-08T00:00:00",
    ):
        assert value in text
    assert "uid" not in text
    assert "state" not in text
