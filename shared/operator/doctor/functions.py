"""Checks of the functions: this checkout's code, Terraform's settings, the intended callers."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import requests
from google.api_core.exceptions import NotFound

from shared.operator.doctor import expectations as said
from shared.operator.doctor.api import wait_of
from shared.operator.doctor.bundles import differing
from shared.operator.doctor.checks import Check, NotAsked, Verdict, apply_again, verdict, wrong
from shared.operator.doctor.google import SECONDS, members
from shared.operator.doctor.once import once
from shared.operator.doctor.world import World

_APPLY = apply_again("functions")
_SCHEDULE = apply_again("schedule")
_ROOT = Path(__file__).parents[3]
_NAMED = 5  # the number of differing files to name
_TRIES, _LONGEST_WAIT = 4, 30.0  # attempts while a function is busy, and seconds between two of them
_OK, _REFUSED = 200, frozenset({401, 403, 404})


class Functions:
    """``root``: the checkout to compare the functions with."""

    def __init__(self, world: World, root: Path = _ROOT) -> None:
        self._world = world
        self._root = root

    def checks(self) -> Sequence[Check]:
        return (
            Check("functions.deployed", "Is every function deployed and active?", self._deployed, _APPLY),
            Check(
                "functions.versions",
                "Is the deployed code the checked-out code?",
                self._versions,
                'gcloud builds triggers run backfills-deploy --region="$REGION" --sha="$COMMIT"',
            ),
            Check(
                "functions.limits", "Are memory, timeouts and instances as configured?", self._limits, _APPLY
            ),
            Check(
                "functions.ingress", "Is each reachable only from where it should be?", self._ingress, _APPLY
            ),
            Check("functions.accounts", "Does each run as its own account?", self._accounts, _APPLY),
            Check("functions.audience", "Does each know which callers to accept?", self._audience, _APPLY),
            Check(
                "functions.secrets",
                "Has each its credentials, in the configured version?",
                self._secrets,
                _APPLY,
            ),
            Check("functions.callers", "May only the intended callers call?", self._callers, _APPLY),
            Check("functions.closed", "Is a stranger refused?", self._closed, _APPLY),
            Check("functions.api", "Is the API up, and does it refuse a wrong key?", self._api, _APPLY),
            Check("functions.sweep", "Is the sweep called every minute?", self._sweep, _SCHEDULE),
        )

    @once
    def _functions(self) -> dict[str, Any]:
        """Return the deployed functions by their short names, as the API's JSON."""
        found = {}
        for name in said.FUNCTIONS:
            try:
                found[name] = self._world.google.get("cloudfunctions", f"v2/{self._path('functions', name)}")
            except NotFound:
                continue
        return found

    def _path(self, kind: str, name: str) -> str:
        place = f"projects/{self._world.installation.project}/locations/{self._world.installation.region}"
        return f"{place}/{kind}/backfills-{name}"

    def _services(self) -> Iterator[tuple[str, said.Function, Any]]:
        """Yield each deployed function: its name, its expectation, its service's configuration."""
        for name, found in self._functions.items():
            yield name, said.FUNCTIONS[name], found.get("serviceConfig", {})

    def _verdict(self, faults: list[str], good: str) -> Verdict:
        missing = [f"{name}: not found" for name in said.FUNCTIONS if name not in self._functions]
        return verdict([*faults, *missing], good)

    def _deployed(self) -> Verdict:
        faults = []
        for name, found in self._functions.items():
            if found.get("state") != "ACTIVE":
                texts = [str(one.get("message", "")) for one in found.get("stateMessages", [])]
                faults.append(f"{name} is {found.get('state')} {' '.join(texts)}".rstrip())
            elif not found.get("serviceConfig", {}).get("allTrafficOnLatestRevision"):
                faults.append(f"{name}: calls may reach an older revision")
        return self._verdict(faults, f"{len(said.FUNCTIONS)} are active")

    def _versions(self) -> Verdict:
        faults, seen = [], dict[str, list[str]]()
        for name, found in self._functions.items():
            source = found.get("buildConfig", {}).get("source", {}).get("storageSource", {})
            place = f"{source.get('bucket')}/{source.get('object')}"
            if place not in seen:
                seen[place] = self._differing(str(source.get("bucket")), str(source.get("object")), name)
            if other := seen[place]:
                more = f" and {len(other) - _NAMED} more" if len(other) > _NAMED else ""
                faults.append(f"{name} differs in {', '.join(other[:_NAMED])}{more}")
        return self._verdict(faults, "every file of every bundle equals the checkout's")

    def _differing(self, bucket: str, name: str, function: str) -> list[str]:
        content = self._world.google.storage.bucket(bucket).blob(name).download_as_bytes(timeout=SECONDS)
        return differing(content, said.FUNCTIONS[function].bundle, self._root)

    def _limits(self) -> Verdict:
        faults = []
        for name, wanted, found in self._services():
            least, most = 0, self._world.installation.deliver_instances
            if name == "api":
                least, most = (self._world.installation.api_instances[word] for word in ("least", "most"))
            expected = {
                "availableMemory": wanted.memory,
                "timeoutSeconds": wanted.seconds,
                "maxInstanceRequestConcurrency": wanted.concurrency,
                "minInstanceCount": least,
                "maxInstanceCount": wanted.most or most,
            }
            faults += [
                f"{name}: {field} is {found.get(field)} instead of {value}"
                for field, value in expected.items()
                if found.get(field, 0) != value
            ]
        return self._verdict(faults, "as Terraform configures them")

    def _ingress(self) -> Verdict:
        faults = [
            f"{name}: {found.get('ingressSettings')} instead of {wanted.ingress}"
            for name, wanted, found in self._services()
            if found.get("ingressSettings") != wanted.ingress
        ]
        return self._verdict(faults, "as Terraform configures them")

    def _accounts(self) -> Verdict:
        faults = [
            f"{name} runs as {found.get('serviceAccountEmail')}"
            for name, _, found in self._services()
            if found.get("serviceAccountEmail") != self._world.installation.account(name)
        ]
        return self._verdict(faults, "each has its own")

    def _audience(self) -> Verdict:
        faults = []
        for name, wanted, found in self._services():
            if wanted.caller == "allUsers":
                continue
            given = found.get("environmentVariables", {})
            expected = {
                "PUSH_AUDIENCE": self._world.installation.urls[name],
                "PUSH_SERVICE_ACCOUNT": self._world.installation.account(wanted.caller),
                "PUSH_CHECKED_BY_IAM": "true",
            }
            faults += [
                f"{name}: {variable} is {given.get(variable)} instead of {value}"
                for variable, value in expected.items()
                if given.get(variable) != value
            ]
        return self._verdict(faults, "each knows its audience and its caller")

    def _secrets(self) -> Verdict:
        faults, versions = [], self._world.installation.secret_versions
        for name, _, found in self._services():
            given = {
                one.get("key"): (one.get("secret"), one.get("version"))
                for one in found.get("secretEnvironmentVariables", [])
            }
            for secret, readers in said.secret_readers(versions).items():
                variable = said.SECRET_VARIABLES[secret]
                wanted = (f"backfills-{secret}", versions[secret]) if name in readers else None
                if given.get(variable) != wanted:
                    faults.append(f"{name}: {variable} has {given.get(variable)} instead of {wanted}")
        return self._verdict(faults, "as Terraform configures them")

    def _callers(self) -> Verdict:
        faults = []
        for name in self._functions:
            policy = self._world.google.get("run", f"v2/{self._path('services', name)}:getIamPolicy")
            callers = [
                said.FUNCTIONS[name].caller,
                *([said.ALSO_CALLS[name]] if name in said.ALSO_CALLS else []),
            ]
            wanted = {self._member(caller) for caller in callers}
            may = members(policy, "roles/run.invoker")
            faults += [f"{name}: {one} may not call it" for one in sorted(wanted - may)]
            faults += [f"{name}: {one} may call it" for one in sorted(may - wanted)]
        return self._verdict(faults, "only these")

    def _member(self, account: str) -> str:
        if account == "allUsers":
            return account
        return self._world.installation.member(account)

    def _closed(self) -> Verdict:
        faults = []
        for name, wanted in said.FUNCTIONS.items():
            if wanted.caller != "allUsers":
                status = self._ask(self._world.installation.urls[name]).status_code
                if status not in _REFUSED:
                    faults.append(f"{name} answers {status} to a call without a token")
        return verdict(faults, "by each that is not public")

    def _api(self) -> Verdict:
        url, faults = self._world.installation.urls["api"], []
        if (status := self._ask(f"{url}/health").status_code) != _OK:
            faults.append(f"/health answers {status}")
        jobs = f"{url}/api/v1/beam/backfills"
        # The API looks a wrong key up, so the refusal shows that it can read its records.
        if (status := self._ask(jobs, {"X-API-Key": "unknown"}).status_code) != requests.codes.unauthorized:
            faults.append(f"a wrong key is answered {status}")
        return verdict(faults, url)

    def _ask(self, url: str, headers: dict[str, str] | None = None) -> requests.Response:
        """Return the answer. Raises NotAsked if Cloud Run has no free instance at any of a few attempts."""
        for pauses_left in reversed(range(_TRIES)):
            answer = requests.get(url, headers=headers, timeout=SECONDS, allow_redirects=False)
            if answer.status_code != requests.codes.too_many_requests:
                return answer
            if pauses_left:
                time.sleep(min(wait_of(answer), _LONGEST_WAIT))
        raise NotAsked(f"{url} is busy: it answers {answer.status_code}, also at attempt {_TRIES}; try later")

    def _sweep(self) -> Verdict:
        path = f"v1/{self._path('jobs', 'sweep')}"
        try:
            job = self._world.google.get("cloudscheduler", path)
        except NotFound:
            return wrong("the schedule is missing")
        target, url = job.get("httpTarget", {}), self._world.installation.urls["sweep"]
        token = target.get("oidcToken", {})
        expected = [
            ("it is", job.get("state"), "ENABLED"),
            ("its schedule is", job.get("schedule"), said.SCHEDULE),
            ("it calls", target.get("uri"), url),
            ("its audience is", token.get("audience"), url),
            ("it calls as", token.get("serviceAccountEmail"), self._world.installation.account("schedule")),
        ]
        faults = [f"{what} {found} instead of {good}" for what, found, good in expected if found != good]
        return verdict(faults, "every minute, with its own account")
