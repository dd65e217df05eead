"""Separate organizations for a test, so that other tests do not affect it."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.local import names, resources
from infra.local.calls import call
from infra.local.supervisor import LocalStack
from tests.e2e.support.bucket import staged_files
from tests.e2e.support.client import Client
from tests.e2e.support.kafka import messages


@dataclass(frozen=True)
class Organization:
    """One organization of a stack: its API calls, and its data in the service."""

    name: str
    client: Client
    stack: LocalStack

    @staticmethod
    def new(stack: LocalStack, name: str) -> "Organization":
        """Add an organization with its own key and a random suffix of the name."""
        name, key = f"{name}-{secrets.token_hex(4)}", secrets.token_urlsafe(24)
        resources.create_api_key(stack.layout, key, name)
        return Organization(name, Client(stack.endpoints["api_url"], key), stack)

    def topic(self, destination: str) -> str:
        return f"beam.{self.name}.{destination}"

    def rows(self, destination: str) -> list[dict[str, Any]]:
        """Return the committed rows of a Kafka destination."""
        found = messages(self.stack.endpoints["kafka_bootstrap"], self.topic(destination))
        return [json.loads(message.value()) for message in found]

    def staged_files(self, job: Mapping[str, Any]) -> set[str]:
        """Return the names of the job's files in the bucket."""
        return set(staged_files(self.stack.endpoints, job))

    def is_torn_down(self, job: Mapping[str, Any]) -> bool:
        """Return whether the ended job's teardown is complete."""
        return self.flag(job, "torn_down")

    def flag(self, job: Mapping[str, Any], name: str) -> bool:
        """Return a boolean of the job's record."""
        documents = f"projects/{names.PROJECT}/databases/(default)/documents"
        path = f"{documents}/organizations/{self.name}/jobs/{job['job_id']}"
        answer = call(
            "GET",
            f"http://{self.stack.endpoints['firestore_host']}/v1/{path}",
            # The emulator's token for a caller that bypasses security rules.
            headers={"Authorization": "Bearer owner"},
        )
        return bool(answer.json()["fields"][name]["booleanValue"])
