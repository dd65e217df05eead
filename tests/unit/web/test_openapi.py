"""The OpenAPI document describes the API that runs."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from shared.config import read
from shared.destinations.webhook.answer import accepts
from shared.destinations.webhook.connections import Answer
from shared.destinations.webhook.request import headers_of
from shared.domain.errors import DestinationRefused
from shared.web.models import Rules
from shared.web.openapi import document
from shared.web.routes import BACKFILLS, PATHS
from tests.fakes.web import Service
from tests.generated import check_file
from tests.shown import ROOT

DOCUMENT = Service().api.openapi


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _nodes(inner)


def _operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method in item.keys() & {"get", "post"}:
            yield path, method, item[method]


def test_it_is_served_as_it_is_built() -> None:
    assert Service().call("GET", "/api/v1/beam/openapi.json", None).get_json() == DOCUMENT
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT


def test_the_documentation_has_it_with_the_default_settings() -> None:
    settings = read({"GOOGLE_CLOUD_PROJECT": "project"})
    rules = Rules(
        settings.table_catalog,
        settings.allow_insecure_destinations,
        settings.chunks_in_flight,
        settings.aws_role_arn,
        bool(settings.schema_registry_url),
    )
    text = json.dumps(document(rules), indent=2, ensure_ascii=False)
    check_file(ROOT / "docs/openapi.json", f"{text}\n")


def test_every_reference_leads_somewhere() -> None:
    references = {node["$ref"] for node in _nodes(DOCUMENT) if "$ref" in node}
    schemas = DOCUMENT["components"]["schemas"]
    assert references == {f"#/components/schemas/{name}" for name in schemas}


def test_it_has_exactly_the_paths_and_methods_that_are_answered() -> None:
    routes = {
        (re.sub(r"<uuid:(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in PATHS.iter_rules()
        for method in (rule.methods or set()) - {"HEAD"}
    }
    assert {(path, method) for path, method, _ in _operations()} == routes


def test_every_operation_is_named_once_and_lists_its_errors() -> None:
    names = [operation["operationId"] for _, _, operation in _operations()]
    assert len(set(names)) == len(names)
    for path, _, operation in _operations():
        if path.startswith(BACKFILLS):
            assert {"401", "500", "503"} <= operation["responses"].keys()
            assert "Retry-After" in operation["responses"]["503"]["headers"]
        else:
            assert operation["security"] == []
        for response in operation["responses"].values():
            assert response["description"]
            assert all("schema" in content for content in response["content"].values())


def test_path_parameters_are_declared() -> None:
    for path, item in DOCUMENT["paths"].items():
        declared = {parameter["name"] for parameter in item.get("parameters", [])}
        assert declared == set(re.findall(r"{(\w+)}", path))


def test_what_is_created_is_linked_to_all_that_can_be_done_with_it() -> None:
    links = DOCUMENT["paths"][BACKFILLS]["post"]["responses"]["201"]["links"].values()
    of_one_job = {
        op["operationId"] for path, _, op in _operations() if path.startswith(f"{BACKFILLS}/{{job_id}}")
    }
    assert {link["operationId"] for link in links} == of_one_job
    assert all(link["parameters"] == {"job_id": "$response.body#/job_id"} for link in links)


def test_unknown_fields_are_refused_in_the_schemas_too() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    for name in ("CreateBackfill", "BackfillWindow", "Filter", "KafkaDestination", "WebhookDestination"):
        assert schemas[name]["additionalProperties"] is False


def test_the_list_item_has_the_fields_that_are_answered() -> None:
    service = Service()
    service.created()
    (item,) = service.call("GET", BACKFILLS).get_json()
    schemas = DOCUMENT["components"]["schemas"]
    assert set(schemas["ListedBackfill"]["required"]) == item.keys()
    assert set(schemas["Backfill"]["required"]) == item.keys() | {
        "progress",
        "warnings",
        "paused",
        "time_paused",
    }


def test_its_example_is_accepted() -> None:
    body = DOCUMENT["paths"][BACKFILLS]["post"]["requestBody"]["content"]["application/json"]
    Service().created(body["examples"]["transfers"]["value"])


@pytest.mark.parametrize("path", ["", "/{job_id}/retry"])
def test_what_needs_a_place_among_the_jobs_in_flight_may_be_told_to_wait(path: str) -> None:
    responses = DOCUMENT["paths"][f"/api/v1/beam/backfills{path}"]["post"]["responses"]
    assert responses["429"]["headers"].keys() == {"Retry-After"}
    assert "429" not in DOCUMENT["paths"]["/api/v1/beam/backfills"]["get"]["responses"]


RECEIVED = DOCUMENT["webhooks"]["batch"]["post"]


@pytest.mark.parametrize("secret", [b"secret", None])
def test_a_webhooks_request_has_the_headers_that_are_sent(secret: bytes | None) -> None:
    sent = headers_of(b"[]", identifier="id", timestamp=1, nonce="nonce", secret=secret)
    listed = [one["name"] for one in RECEIVED["parameters"] if one["required"] or secret]
    assert sorted([*listed, "Content-Type"]) == sorted(sent)
    assert sent["Content-Type"] in RECEIVED["requestBody"]["content"]


@pytest.mark.parametrize("status", [200, 204, 301, 400, 401, 404, 408, 410, 425, 429, 500, 502, 503])
def test_a_receivers_answers_mean_what_is_written(status: int) -> None:
    answers = RECEIVED["responses"]
    written = answers.get(str(status), answers[f"{status // 100}XX"])["description"]
    try:
        accepted = accepts(Answer(status, {}, b""), "hook")
    except DestinationRefused:
        assert "the job fails" in written
    else:
        assert ("is stored" in written) == accepted
        assert ("the service retries" in written) == (not accepted)
