"""The console tests' made-up data has the schemas of the OpenAPI document."""

import json
from typing import Any

import jsonschema_rs
import pytest
from werkzeug import Request
from werkzeug.test import Client

from shared.web.routes import BACKFILLS
from tests.fakes.console import Scene, gallery
from tests.fakes.console_jobs import ESTIMATE
from tests.fakes.web import KEY

DOCUMENT = Scene().service.api.openapi


def valid(name: str, value: Any) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    jsonschema_rs.validate(schema, value)


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    gallery(made)
    return made


def answer(scene: Scene, path: str) -> str:
    client = Client(Request.application(scene.answer))
    return client.get(BACKFILLS + path, headers={"X-API-Key": KEY}).text


def test_made_up_jobs_receipts_and_estimates_are_as_described(scene: Scene) -> None:
    valid("EstimatedBackfill", ESTIMATE)
    for job in json.loads(answer(scene, "?limit=100")):
        valid("ListedBackfill", job)
        shown = json.loads(answer(scene, f"/{job['job_id']}"))
        valid("Backfill", shown)
        if shown["num_chunks"] is not None:
            valid("Receipt", json.loads(answer(scene, f"/{job['job_id']}/receipt")))
        for line in scene.lines[job["job_id"]][:2000:100]:
            valid("ReceiptChunk", line)
