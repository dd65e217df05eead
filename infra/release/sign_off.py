"""Sign off a plan: ``python -m infra.release.sign_off PLAN.json [--write FILE | --agreed FILE]``.

Refuses a plan that would remove or replace what holds data, or an address that others rely on: that is done
by hand, by somebody who means it. ``--write`` notes the plan's actions beside the release; ``--agreed``
refuses a plan whose actions are no longer those that were noted, and so looked at, when it was approved.
Only the standard library: it runs in Cloud Build beside Terraform.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Messages wait in topics and subscriptions; receivers have addresses on their allow lists.
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
    """What a plan, as `terraform show -json` prints it, would do: one line a resource."""
    return sorted(
        f"{'+'.join(change['change']['actions'])} {change['address']}"
        for change in plan.get("resource_changes", ())
        if not _NOTHING.issuperset(change["change"]["actions"])
    )


def removed(plan: Any) -> list[str]:
    """The addresses of what a plan would remove or replace and must not."""
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
        sys.exit(f"not signed off, it is no longer the plan of the release; make one anew:\n{differences}")


if __name__ == "__main__":
    main(sys.argv[1:])
