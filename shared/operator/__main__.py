"""The operator's commands.

python -m shared.operator replay --time 2026-03-01T10:00:00+00:00
python -m shared.operator snapshot before-upgrade
python -m shared.operator replay --snapshot before-upgrade
"""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import datetime

from google.api_core.exceptions import GoogleAPICallError
from google.cloud.pubsub_v1 import SubscriberClient

from shared.config import ConfigurationError, read
from shared.errors import Unavailable
from shared.operator.replay import replay, take_snapshot


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        settings = read(os.environ)
        # A subscription has its topic's name.
        subscriptions = (settings.stage_topic, settings.chunks_topic)
        with SubscriberClient() as client:
            if options.command == "snapshot":
                take_snapshot(client, settings.project, subscriptions, name=options.name)
            else:
                replay(client, settings.project, subscriptions, time=options.time, snapshot=options.snapshot)
    except (ConfigurationError, Unavailable, GoogleAPICallError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{options.command}: {', '.join(subscriptions)}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m shared.operator")
    commands = parser.add_subparsers(dest="command", required=True)
    rewind = commands.add_parser("replay", help="deliver again what was acknowledged since")
    to = rewind.add_mutually_exclusive_group(required=True)
    to.add_argument("--time", type=_time, help="ISO 8601 with its offset")
    to.add_argument("--snapshot", help="a name given to `snapshot` before")
    remember = commands.add_parser("snapshot", help="remember what is acknowledged now")
    remember.add_argument("name")
    return parser


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise argparse.ArgumentTypeError("give the offset too, as in 2026-03-01T10:00:00+00:00")
    return time


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
