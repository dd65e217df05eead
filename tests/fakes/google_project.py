"""A Google project as its administration APIs describe it, served on loopback."""

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from shared.operator.doctor import expectations as said
from shared.operator.doctor.installation import Installation
from tests.fakes import google_answers
from tests.fakes.google_names import (
    ADDRESSES,
    BUCKET,
    CONNECTOR,
    KAFKA,
    NUMBER,
    PROJECT,
    REGION,
    SNOWFLAKE,
    SOURCES,
    function,
    secret,
)


@dataclass
class GoogleProject:
    """A server that answers a path with its entry of ``answers``: JSON, bytes, or a number as the status.

    It answers 404 for any other path.
    """

    url: str = ""
    answers: dict[str, Any] = field(default_factory=dict)

    def payload(self, name: str, version: str, value: Any) -> None:
        """Set a secret version's value."""
        text = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.answers[f"{secret(name)}/versions/{version}:access"] = {
            "payload": {"data": base64.b64encode(text).decode()}
        }

    def installation(self, **changes: Any) -> Installation:
        """Return the installation as Terraform's output describes it."""
        values: dict[str, Any] = {
            "project": PROJECT,
            "project_number": NUMBER,
            "region": REGION,
            "staging_region": REGION,
            "firestore_location": "nam5",
            "protect_data": True,
            "staged_files_days": 21,
            "deliver_instances": 20,
            "api_instances": {"least": 1, "most": 10},
            "marker_days": 7,
            "secret_versions": {"kafka": "1", "snowflake": "1"},
            "staging_bucket": BUCKET,
            "sources_bucket": SOURCES,
            "snowflake_stage": "BASE.ASSETS.STAGED_CHUNKS",
            "schema_registry": "",
            "storage_account": SNOWFLAKE,
            "urls": {name: f"{self.url}/functions/{name}" for name in said.FUNCTIONS},
            "egress_addresses": list(ADDRESSES),
            "egress_functions": [said.STATIC],
        }
        return Installation(**values | changes)


def _healthy(project: GoogleProject, private_key: str) -> None:
    project.answers |= (
        google_answers.of_firestore()
        | google_answers.of_pubsub(project.url)
        | google_answers.of_bucket()
        | google_answers.of_functions(project.url)
    )
    project.answers |= google_answers.of_egress(project.url)
    static = project.answers[function(said.STATIC)]["serviceConfig"]
    static["vpcConnector"] = CONNECTOR[4:]
    static["vpcConnectorEgressSettings"] = "ALL_TRAFFIC"
    project.payload("backfills-kafka", "1", KAFKA)
    names = dict.fromkeys(("account", "user", "role", "warehouse"), "BACKFILLS")
    project.payload("backfills-snowflake", "1", names | {"private_key": private_key})
    for name, readers in said.SECRET_READERS.items():
        granted = {"roles/secretmanager.secretAccessor": google_answers.members(readers)}
        project.answers[f"{secret(f'backfills-{name}')}:getIamPolicy"] = google_answers.policy(granted)
    project.answers[f"/v1/projects/{PROJECT}/secrets"] = {"secrets": [{"name": secret("beam-acme-KEY")[4:]}]}
    project.payload("beam-acme-KEY", "latest", b"made-up-signing-key")


@contextmanager
def google_project(private_key: str) -> Iterator[GoogleProject]:
    """Start a healthy project; a test breaks it by changing its answers."""
    project = GoogleProject()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(lambda: project.answers)) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        project.url = f"http://127.0.0.1:{server.server_port}"
        _healthy(project, private_key)
        yield project
        server.shutdown()


def _handler(answers: Callable[[], Mapping[str, Any]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers().get(unquote(urlsplit(self.path).path), 404)
            status = answer if isinstance(answer, int) else 200
            if isinstance(answer, int):
                answer = {"error": {"code": answer, "message": f"{self.path} is answered {answer}"}}
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base names it
            """Log no requests."""

    return Handler
