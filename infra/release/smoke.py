"""Check that a deployed API works: ``python -m infra.release.smoke https://…``.

Needs no key: the API looks an unknown key up in Firestore, so its refusal shows that it can read its records.
Uses only the standard library: it runs in Cloud Build.
"""

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass

_TIMEOUT = 20.0
# A new revision may still be starting, and permissions take a moment to propagate.
_PATIENCE = 120.0
_PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class Check:
    title: str
    path: str
    status: int
    key: str | None = None


CHECKS = (
    Check("it is healthy", "/health", 200),
    Check("it serves its contract", "/api/v1/beam/openapi.json", 200),
    Check("it refuses a request without a key", "/api/v1/beam/backfills", 401),
    Check("it looks up and refuses an unknown key", "/api/v1/beam/backfills", 401, "unknown"),
)


def ask(url: str, check: Check) -> str | None:
    """Return what is wrong with the answer; None if nothing is."""
    headers = {"X-API-Key": check.key} if check.key else {}
    request = urllib.request.Request(url + check.path, headers=headers)  # noqa: S310 - main() checks the scheme
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
            status, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            status, body = error.code, error.read()
    except OSError as error:
        return f"no answer: {error}"
    if status != check.status:
        return f"{status} instead of {check.status}: {body[:200]!r}"
    if check.path.endswith(".json") and "openapi" not in json.loads(body):
        return "no OpenAPI document"
    return None


def main(arguments: Sequence[str], patience: float = _PATIENCE) -> None:
    if len(arguments) != 1 or not arguments[0].startswith(("https://", "http://127.0.0.1:")):
        sys.exit("usage: python -m infra.release.smoke https://…")
    url, until = arguments[0].rstrip("/"), time.monotonic() + patience
    for check in CHECKS:
        while (fault := ask(url, check)) is not None:
            if time.monotonic() > until:
                sys.exit(f"{check.title}: {fault}")
            time.sleep(min(_PAUSE, patience / 4))
        sys.stdout.write(f"{check.title}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
