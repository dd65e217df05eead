"""Audit the deployed packages: ``python -m infra.release.audit``, in Cloud Build and by `make audit`.

For each function it asks the package registry for known vulnerabilities of the pinned packages, and writes
the bill of materials (CycloneDX) to dist/{function}.sbom.json. The tools have their own environment.
"""

import subprocess
import sys

from infra import bundle
from infra.local.provision import CACHE, ROOT, environment

TOOLS = CACHE / "release"
_DIST = ROOT / "dist"


def write_bill(function: str) -> None:
    """Write the bill of materials of a function's pinned packages."""
    requirements = ROOT / "functions" / function / "requirements.txt"
    bill = _DIST / f"{function}.sbom.json"
    options = ["--output-reproducible", "--of", "JSON", "--output-file", str(bill), str(requirements)]
    subprocess.run([TOOLS / "bin/cyclonedx-py", "requirements", *options], check=True)


def faults(function: str) -> bool:
    """Return whether there is a known vulnerability, or the registry did not answer; print it and its fix."""
    requirements = str(ROOT / "functions" / function / "requirements.txt")
    options = ["--strict", "--require-hashes", "--disable-pip", "--progress-spinner", "off"]
    command = [str(TOOLS / "bin/pip-audit"), *options, "--requirement", requirements]
    return subprocess.run(command, check=False).returncode != 0


def main() -> None:
    environment(TOOLS, ROOT / "infra/release/requirements.txt")
    _DIST.mkdir(exist_ok=True)
    for function in bundle.functions():
        write_bill(function)
    if faulty := [function for function in bundle.functions() if faults(function)]:
        sys.exit(f"known vulnerabilities, or no answer from the registry: {', '.join(faulty)}")


if __name__ == "__main__":
    main()
