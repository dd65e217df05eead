"""The measured process of one sender: ``python -m bench.peers.run SENDER ARGUMENTS-IN-JSON``.

A sender is a module of this folder with ``send(path, settings, topic)``. It returns once the broker has every
row. The settings are librdkafka's.
"""

import importlib
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from shared.bootstrap.memory import keep_freed_memory

Send = Callable[[str, Mapping[str, Any], str], None]


def measured(
    send: Send, *, path: str, settings: Mapping[str, Any], topics: Sequence[str], began: float
) -> dict[str, float]:
    """Send the file to each topic, at least two; return seconds. ``warm``: of the second; ``cold``: from
    ``began``, before the process started, to the end of the first; ``steady``: of the last, if more.
    """
    ends = [began]
    for topic in topics:
        send(path, settings, topic)
        ends.append(time.monotonic())
    cold, warm, *later = (end - start for start, end in pairwise(ends))
    return {"warm": warm, "cold": cold} | ({"steady": later[-1]} if later else {})


def main() -> None:
    keep_freed_memory()  # as bench.work does for all other senders
    send: Send = importlib.import_module(f"bench.peers.{sys.argv[1]}").send
    print(json.dumps(measured(send, **json.loads(sys.argv[2]))))


if __name__ == "__main__":
    main()
