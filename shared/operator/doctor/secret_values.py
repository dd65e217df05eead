"""Checks of Secret Manager: credentials and organizations' secrets exist, readable and well-formed."""

import json
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from google.api_core.exceptions import FailedPrecondition, NotFound

from shared.config import is_login
from shared.domain.organizations import is_organization_id
from shared.operator.doctor import expectations as said
from shared.operator.doctor.checks import Check, Verdict, apply_again, ok, verdict, wrong
from shared.operator.doctor.google import SECONDS, members
from shared.operator.doctor.world import World

_ADD = "gcloud secrets versions add backfills-{0} --data-file={0}.json"
_APPLY = apply_again("secrets")
_KAFKA = ("bootstrap.servers", "security.protocol")
_SNOWFLAKE = ("account", "user", "role", "warehouse")
_PREFIX = "beam-"


class SecretValues:
    def __init__(self, world: World) -> None:
        self._world = world

    def checks(self) -> Sequence[Check]:
        return (
            Check(
                "secrets.kafka",
                "Do Kafka's credentials exist, complete?",
                self._kafka,
                _ADD.format("kafka"),
            ),
            Check(
                "secrets.snowflake",
                "Do Snowflake's credentials exist, complete?",
                self._snowflake,
                _ADD.format("snowflake"),
            ),
            *self._registrys(),
            Check("secrets.readers", "May the functions read them?", self._readers, _APPLY),
            Check(
                "secrets.organizations",
                "Is each organization's secret named and stored correctly?",
                self._organizations,
                'printf %s "$(openssl rand -hex 32)" > secret.txt, and'
                ' gcloud secrets versions add "beam-$ORGANIZATION-$NAME" --data-file=secret.txt',
            ),
        )

    def _kafka(self) -> Verdict:
        found = self._object("kafka")
        if isinstance(found, Verdict):
            return found
        faults = [f"{name} is missing" for name in _KAFKA if not found.get(name)]
        given = str(found.get("security.protocol", ""))
        protocol = given.upper()
        if protocol and protocol not in {"SSL", "SASL_SSL"}:
            faults.append(f"security.protocol {given} is not encrypted")
        if protocol.startswith("SASL"):
            wanted = ("sasl.mechanism", "sasl.username", "sasl.password")
            by_token = str(found.get("sasl.mechanism", "")).upper() in {"OAUTHBEARER", "GSSAPI"}
            faults += [f"{name} is missing" for name in wanted if not found.get(name) and not by_token]
        return verdict(faults, f"well-formed, {protocol}")

    def _snowflake(self) -> Verdict:
        found = self._object("snowflake")
        if isinstance(found, Verdict):
            return found
        faults = [f"{name} is missing" for name in _SNOWFLAKE if not found.get(name)]
        if found.get("password"):
            faults.append("a password is set, where a key or a workload identity must sign in")
        if key := found.get("private_key"):
            try:
                load_pem_private_key(str(key).encode(), password=None)
            except (ValueError, TypeError):
                faults.append("private_key is not a private key in PEM without a passphrase")
        elif found.get("authenticator") != "WORKLOAD_IDENTITY":
            faults.append("private_key is missing")
        return verdict(faults, "well-formed, signs in by key or identity")

    def _registrys(self) -> Sequence[Check]:
        """Return the check of the schema registry's credentials, if there are any."""
        installed = self._world.installed
        if installed is None or said.REGISTRY not in installed.secret_versions:
            return ()
        question = "Do the schema registry's credentials exist, complete?"
        return (Check("secrets.registry", question, self._registry, _ADD.format(said.REGISTRY)),)

    def _registry(self) -> Verdict:
        found = self._object(said.REGISTRY)
        if isinstance(found, Verdict):
            return found
        return ok("well-formed") if is_login(found) else wrong("it must have username and password only")

    def _object(self, name: str) -> dict[str, Any] | Verdict:
        """Return the JSON object that the functions get, or what is wrong with it."""
        version = self._world.installation.secret_versions[name]
        try:
            found = json.loads(self._world.payload(f"backfills-{name}", version))
        except NotFound:
            return wrong(f"backfills-{name} has no version {version}")
        except FailedPrecondition:
            return wrong(f"version {version} of backfills-{name} is not enabled")
        except ValueError:
            return wrong(f"version {version} of backfills-{name} is not JSON")
        if not isinstance(found, dict):
            return wrong(f"version {version} of backfills-{name} is not a JSON object")
        self._world.secrecy.add_all(found)
        return found

    def _readers(self) -> Verdict:
        faults = []
        for name, functions in said.secret_readers(self._world.installation.secret_versions).items():
            request = {"resource": f"projects/{self._world.installation.project}/secrets/backfills-{name}"}
            policy = self._world.google.secrets.get_iam_policy(request=request, timeout=SECONDS)
            may = members(policy, "roles/secretmanager.secretAccessor")
            wanted = {self._world.installation.member(one) for one in functions}
            faults += [f"backfills-{name}: {one} may not read it" for one in sorted(wanted - may)]
        return verdict(faults, "all that must")

    def _organizations(self) -> Verdict:
        parent = f"projects/{self._world.installation.project}"
        request = {"parent": parent, "filter": f"name:{_PREFIX}"}
        listed = self._world.google.secrets.list_secrets(request=request, timeout=SECONDS)
        names = [one.name.rsplit("/", maxsplit=1)[-1] for one in listed]
        names = [name for name in names if name.startswith(_PREFIX)]
        faults = [f"{name}: {fault}" for name in names if (fault := self._fault(name))]
        return verdict(faults, f"{len(names)} of them")

    def _fault(self, secret: str) -> str | None:
        organization, _, name = secret.removeprefix(_PREFIX).rpartition("-")
        if not is_organization_id(organization) or not name:
            return "is not named beam-{organization}-{name}"
        try:
            value = self._world.payload(secret, "latest")
        except (NotFound, FailedPrecondition):
            return "has no enabled version"
        if not value:
            return "is empty"
        # An extra line break makes every signature wrong; in JSON it does not matter.
        if value != value.strip() and not value.lstrip().startswith(b"{"):
            return "begins or ends with white space or a line break, which is part of the secret"
        return None
