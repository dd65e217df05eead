"""Install what only the tests need: ``python -m infra.offline.setup``.

Terraform itself is a prerequisite. The provider's schema and the policy scanner are built once from pinned
packages; Maven fetches a schema registry.
"""

import fcntl
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from infra.local import registry_jars, toolchain
from infra.local.provision import CACHE, ROOT, Stamp, environment, failed, fetch, say
from infra.offline import build, schema, terraform

POLICY = CACHE / "policy"
_OLDEST = (1, 11)
_HINT = (
    "install it from developer.hashicorp.com/terraform/install, or copy /bin/terraform out of the image"
    " hashicorp/terraform:1.11.4"
)


def missing_terraform() -> str | None:
    """Return one line that says what is missing and how to get it; None if nothing is."""
    needed = f"Terraform {_OLDEST[0]}.{_OLDEST[1]} or newer is missing"
    command = terraform.command()
    if command is None:
        return f"{needed}: {_HINT}"
    told = subprocess.run([command, "version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"Terraform v(\d+)\.(\d+)", told)
    if version is None or (int(version[1]), int(version[2])) < _OLDEST:
        return f"{needed} ({command} says {told.splitlines()[0] if told else 'nothing'}): {_HINT}"
    return None


def main() -> None:
    if fault := missing_terraform():
        sys.exit(fault)
    with (CACHE / "provision.lock").open("w") as lock, ThreadPoolExecutor() as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        jobs = [
            pool.submit(environment, POLICY, ROOT / "infra/policy/requirements.txt"),
            pool.submit(_schema),
        ]
        if toolchain.maven():
            jobs.append(pool.submit(_registry))
        failures = failed(jobs)
    if failures:
        sys.exit("\n".join(failures))


def _schema() -> None:
    sources = (
        build.REQUIREMENTS.read_text(),
        *((ROOT / module.__file__).read_text() for module in (build, schema) if module.__file__),
        " ".join(sorted(build.used())),
    )
    stamp = Stamp(build.CACHE, *sources)
    if stamp.agrees() and build.SCHEMA.is_file():
        return
    say("building the schema of Terraform's google provider (fetches 62 MB, once)")
    build.main()
    stamp.write()


def _registry() -> None:
    what = "a schema registry (142 MB, once)"
    fetch(registry_jars.FOLDER, registry_jars.POM, "unpack-dependencies", what)


if __name__ == "__main__":
    main()
