"""Google's administration APIs: Google's own clients where the service has them, otherwise REST."""

from functools import cached_property
from typing import Any, Final
from urllib.parse import quote

import google.auth
import requests
from google.api_core.exceptions import from_http_response
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession
from google.cloud.firestore_admin_v1 import FirestoreAdminClient
from google.cloud.secretmanager import SecretManagerServiceClient
from google.cloud.storage import Client
from google.pubsub_v1 import PublisherClient, SubscriberClient

SECONDS: Final = 15.0
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"


class Google:
    """Clients, built on first use. ``stand_in``: the URL of a server that replaces Google's and gets no
    credentials.
    """

    def __init__(self, project: str, stand_in: str | None = None) -> None:
        self._project = project
        self._stand_in = stand_in

    @cached_property
    def _credentials(self) -> Any:
        if self._stand_in is not None:
            return AnonymousCredentials()  # type: ignore[no-untyped-call]  # untyped there
        return google.auth.default(scopes=[_SCOPE], quota_project_id=self._project)[0]

    @cached_property
    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"credentials": self._credentials, "transport": "rest"}
        return options | ({"client_options": {"api_endpoint": self._stand_in}} if self._stand_in else {})

    @cached_property
    def firestore(self) -> FirestoreAdminClient:
        return FirestoreAdminClient(**self._options)

    @cached_property
    def topics(self) -> PublisherClient:
        return PublisherClient(**self._options)

    @cached_property
    def subscriptions(self) -> SubscriberClient:
        return SubscriberClient(**self._options)

    @cached_property
    def secrets(self) -> SecretManagerServiceClient:
        return SecretManagerServiceClient(**self._options)

    @cached_property
    def storage(self) -> Client:
        # Set even for Google's own endpoint: otherwise STORAGE_EMULATOR_HOST would win.
        endpoint = self._stand_in or "https://storage.googleapis.com"
        return Client(
            project=self._project,
            credentials=self._credentials,
            client_options={"api_endpoint": endpoint},
        )

    def get(self, service: str, path: str) -> Any:
        """Return the JSON at a path of ``{service}.googleapis.com``. Raises the clients' own errors."""
        base = self._stand_in or f"https://{service}.googleapis.com"
        answer = self._session.get(f"{base}/{quote(path, safe='/:?=&')}", timeout=SECONDS)
        if answer.status_code != requests.codes.ok:
            raise from_http_response(answer)  # type: ignore[no-untyped-call]  # untyped there
        return answer.json()

    @cached_property
    def _session(self) -> AuthorizedSession:
        return AuthorizedSession(self._credentials)  # type: ignore[no-untyped-call]  # untyped there


def members(policy: Any, role: str) -> set[str]:
    """Return the members with the role, also under a condition. The policy is a client's, or its JSON."""
    bindings = policy.get("bindings", []) if isinstance(policy, dict) else policy.bindings
    found: set[str] = set()
    for binding in bindings:
        its = binding if isinstance(binding, dict) else {"role": binding.role, "members": binding.members}
        if its["role"] == role:
            found |= set(its["members"])
    return found
