"""Sign off a plan: ``python -m infra.release.sign_off PLAN.json [--write FILE | --agreed FILE]``.

Refuses a plan that would remove or replace data stores, or addresses that others rely on: such a change must
be made manually. ``--write`` stores the plan's actions with the release; ``--agreed`` refuses a plan whose
actions differ from the stored ones, which were reviewed for the approval. Uses only the standard library: it
runs in Cloud Build beside Terraform.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Topics and subscriptions hold messages; receivers have the addresses on their allow lists.
KEPT = frozenset(
    {
        "google_compute_address",
        "google_firestore_database",
        "google_pubsub_subscription",
        "google_pubsub_topic",
        "google_secret_manager_secret",
        "google_storage_bucket",
    }
)
_NOTHING = {"no-op", "read"}


def actions(plan: Any) -> list[str]:
    """Return the actions of a plan from `terraform show -json`: one line per resource."""
    return sorted(
        f"{'+'.join(change['change']['actions'])} {change['address']}"
        for change in plan.get("resource_changes", ())
        if not _NOTHING.issuperset(change["change"]["actions"])
    )


def removed(plan: Any) -> list[str]:
    """Return the addresses that a plan would remove or replace and must not."""
    return sorted(
        change["address"]
        for change in plan.get("resource_changes", ())
        if change["type"] in KEPT and "delete" in change["change"]["actions"]
    )


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.release.sign_off", description=__doc__)
    parser.add_argument("plan", type=Path)
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--write", type=Path)
    either.add_argument("--agreed", type=Path)
    options = parser.parse_args(arguments)
    plan = json.loads(options.plan.read_text())
    planned = actions(plan)
    sys.stdout.write("".join(f"{action}\n" for action in planned) or "nothing to do\n")
    if lost := removed(plan):
        sys.exit(f"not signed off, it would remove {', '.join(lost)}: see docs/operations.md, Removing")
    if options.write:
        options.write.write_text(json.dumps(planned, indent=1))
    if options.agreed and (agreed := json.loads(options.agreed.read_text())) != planned:
        differences = "\n".join(sorted(set(agreed) ^ set(planned)))
        sys.exit(f"not signed off, it differs from the release's plan; plan again:\n{differences}")


if __name__ == "__main__":
    main(sys.argv[1:])
