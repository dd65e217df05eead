"""The operator's commands.

python -m shared.operator keys create acme --label "nightly job"
python -m shared.operator keys list acme
python -m shared.operator keys rotate 0123456789ab --overlap-hours 24
python -m shared.operator keys revoke 0123456789ab
python -m shared.operator limit acme 250
python -m shared.operator repair acme
python -m shared.operator replay --time 2026-03-01T10:00:00+00:00
python -m shared.operator snapshot before-upgrade
python -m shared.operator replay --snapshot before-upgrade
python -m shared.operator verify acme f47ac10b-58cc-4372-a567-0e02b2c3d479 --table
python -m shared.operator doctor --installation installation.json
python -m shared.operator doctor --installation installation.json --backfill 2026-03-01T00:00 2026-03-01T01:00

`doctor` ends with 0 if all is well, 1 if something is wrong, and 4 if something could not be checked.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.cloud import firestore
from google.cloud.pubsub_v1 import SubscriberClient

from shared.adapters.firestore_limits import set_limit
from shared.adapters.google_errors import reaching
from shared.config import ConfigurationError, Settings, read
from shared.domain.errors import RetryLater
from shared.operator import arguments, keys
from shared.operator.doctor.areas import AREAS, BACKFILL
from shared.operator.repair import repaired
from shared.operator.replay import replay, take_snapshot
from shared.operator.verify.statuses import MEANINGS, OUT_OF_REACH, WRONG_USAGE


def main(words: Sequence[str]) -> int:
    options = _parser().parse_args(words)
    try:
        settings = read(os.environ)
        if options.command == "keys":
            _keys(options, settings)
        elif options.command == "verify":
            return _verify(options, settings)
        elif options.command == "doctor":
            return _doctor(options, settings)
        elif options.command == "limit":
            _limit(options, settings)
        elif options.command in {"repair", "recount"}:
            client = firestore.Client(project=settings.project)
            sys.stdout.writelines(repaired(client, options.organizations, datetime.now(UTC)))
        else:
            _subscriptions(options, settings)
    except (ConfigurationError, keys.KeyRefused) as error:
        sys.stderr.write(f"{error}\n")
        return WRONG_USAGE if options.command == "verify" else 1
    except (RetryLater, GoogleAPIError, GoogleAuthError) as error:
        detail = f" ({error.detail})" if isinstance(error, RetryLater) and error.detail else ""
        sys.stderr.write(f"{error}{detail}\n")
        return OUT_OF_REACH if options.command == "verify" else 1
    return 0


def _keys(options: argparse.Namespace, settings: Settings) -> None:
    client, now = firestore.Client(project=settings.project), datetime.now(UTC)
    if options.action == "create":
        _tell(keys.create(client, options.organization, label=options.label, now=now))
    elif options.action == "rotate":
        overlap = timedelta(hours=options.overlap_hours)
        _show([keys.rotate(client, options.key_id, overlap=overlap, now=now, tell=_tell)])
    elif options.action == "revoke":
        _show([keys.revoke(client, options.key_id, at=now)])
    else:
        _show(keys.issued(client, options.organization))


def _tell(key: str) -> None:
    """Print only the key to standard output, for a pipe into a secret store."""
    sys.stdout.write(f"{key}\n")
    sys.stderr.write("This key is shown once. Only its SHA-256 is stored.\n")


def _show(issued: Sequence[keys.IssuedKey]) -> None:
    for key in issued:
        revoked = "-" if key.revoked is None else key.revoked.isoformat(timespec="seconds")
        created = key.created.isoformat(timespec="seconds")
        sys.stdout.write(f"{key.key_id}  {key.organization_id}  {created}  {revoked}  {key.label}\n")


def _limit(options: argparse.Namespace, settings: Settings) -> None:
    client, organization = firestore.Client(project=settings.project), options.organization
    with reaching("the job store"):
        set_limit(client, organization, options.most)
    most = "the service's limit" if options.most is None else str(options.most)
    sys.stdout.write(f"limit: {organization}: {most}\n")


def _subscriptions(options: argparse.Namespace, settings: Settings) -> None:
    # A subscription has its topic's name.
    subscriptions = (settings.stage_topic, settings.chunks_topic, settings.static_chunks_topic)
    with SubscriberClient() as client:
        if options.command == "snapshot":
            take_snapshot(client, settings.project, subscriptions, name=options.name)
        else:
            replay(client, settings.project, subscriptions, time=options.time, snapshot=options.snapshot)
    sys.stdout.write(f"{options.command}: {', '.join(subscriptions)}\n")


def _verify(options: argparse.Namespace, settings: Settings) -> int:
    # Its imports take a second, which the other commands should not spend.
    from shared.operator.verify.command import Verify  # noqa: PLC0415 - see above

    status, lines = Verify(settings).run(
        options.organization, options.job_id, with_table=options.table, most=options.most
    )
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return status


def _doctor(options: argparse.Namespace, settings: Settings) -> int:
    # Its imports take a second, which the other commands should not spend.
    from shared.operator.doctor.backfill import Wanted  # noqa: PLC0415 - see above
    from shared.operator.doctor.command import examine  # noqa: PLC0415 - see above

    wanted = None
    if options.backfill is not None:
        start, end = options.backfill
        key = os.environ.get("BACKFILLS_API_KEY", "")
        if not key:
            raise ConfigurationError("BACKFILLS_API_KEY is not set: --backfill needs an API key")
        wanted = Wanted(start=start, end=end, url=os.environ.get("BACKFILLS_URL", ""), key=key)
    status, lines = examine(
        settings,
        installation=options.installation,
        kafka_admin=options.kafka_admin,
        table=options.table,
        only=options.only or (),
        wanted=wanted,
    )
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m shared.operator")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_keys(commands.add_parser("keys", help="manage API keys, which are named by their ids"))
    limit = commands.add_parser("limit", help="set an organization's limit of jobs in flight")
    limit.add_argument("organization", type=arguments.organization)
    limit.add_argument("most", type=arguments.most, help="a number, or `default` for the service's limit")
    again = commands.add_parser(
        "repair", aliases=["recount"], help="count jobs in flight and topics' jobs anew, after a restore"
    )
    again.add_argument("organizations", nargs="*", type=arguments.organization, help="default: all of them")
    rewind = commands.add_parser("replay", help="redeliver messages that were acknowledged since then")
    to = rewind.add_mutually_exclusive_group(required=True)
    to.add_argument("--time", type=arguments.time, help="ISO 8601 time with an offset")
    to.add_argument("--snapshot", help="name of an earlier `snapshot`")
    remember = commands.add_parser("snapshot", help="save which messages are acknowledged now")
    remember.add_argument("name")
    verify = commands.add_parser(
        "verify",
        help="compare what a job's destinations have with its receipt",
        epilog=f"Exit status: {MEANINGS}.",
    )
    _add_verify(verify)
    _add_doctor(commands.add_parser("doctor", help="check the installation, and say how to fix faults"))
    return parser


def _add_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("organization", type=arguments.organization)
    parser.add_argument("job_id", type=arguments.job_id)
    parser.add_argument(
        "--table", action="store_true", help="compare every row with Snowflake, which unloads the slice again"
    )
    parser.add_argument("--most", type=arguments.count, default=20, help="differences to name (default: 20)")


def _add_doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--installation",
        type=Path,
        help="output of `terraform -chdir=infra output -raw installation`; default: a local stack",
    )
    parser.add_argument(
        "--kafka-admin",
        type=Path,
        help="JSON file of librdkafka properties for a user who may describe the brokers' settings",
    )
    parser.add_argument(
        "--table",
        default="base.assets.erc20_token_transfers",
        help="a table on offer, which the doctor queries in Snowflake (default: %(default)s)",
    )
    parser.add_argument(
        "--backfill",
        nargs=2,
        metavar=("START", "END"),
        help="also run a small backfill of this slice of the table, with the API key in BACKFILLS_API_KEY;"
        " BACKFILLS_URL replaces the installation's API address",
    )
    parser.add_argument("--only", nargs="+", choices=(*AREAS, BACKFILL), help="check only these areas")


def _add_keys(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    create = actions.add_parser("create", help="create a key and show it once")
    create.add_argument("organization")
    create.add_argument("--label", default="", help="a description for people")
    show = actions.add_parser("list", help="id, organization, created, revoked, label")
    show.add_argument("organization", nargs="?")
    rotate = actions.add_parser("rotate", help="replace a key, and show the new one once")
    rotate.add_argument("key_id")
    rotate.add_argument(
        "--overlap-hours", type=float, default=24.0, help="hours until the old key is refused"
    )
    revoke = actions.add_parser("revoke", help="revoke a key, within half a minute")
    revoke.add_argument("key_id")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
