"""Free ports on the loopback address, and whether something answers there."""

import fcntl
import os
import random
import socket
import tempfile
import threading
from pathlib import Path

import urllib3

LOOPBACK = "127.0.0.1"

# Below the range from which Linux takes the source ports of outgoing connections (32768 and up): a
# function's port must stay free in the moment between its process's death and the next one's start.
_FIRST, _LAST = 20_000, 32_000
_BLOCK = 20

_http = urllib3.PoolManager(retries=False)
_lock = threading.Lock()
_claimed: list[int] = []  # and not given to anybody yet


def free_ports(count: int) -> list[int]:
    """Different ports that nothing listens on, and that no other process is given while this one lives.

    Two stacks that start at once would else be given the same port now and then: each looks before either
    listens.
    """
    found: list[int] = []
    with _lock:
        blocks = iter(random.sample(range(_FIRST, _LAST, _BLOCK), (_LAST - _FIRST) // _BLOCK))
        while len(found) < count:
            while not _claimed:
                first = next(blocks, None)
                if first is None:
                    raise OSError(f"fewer than {count} free ports between {_FIRST} and {_LAST}")
                if _claim(first):
                    _claimed.extend(range(first, first + _BLOCK))
            port = _claimed.pop()
            if _is_free(port):
                found.append(port)
    return found


def _claim(first: int) -> bool:
    """Whether the block of ports is ours; the lock goes with the process."""
    claim = Path(tempfile.gettempdir(), f"backfills-ports-{first}")
    try:
        descriptor = os.open(claim, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:  # another user's
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return False
    return True  # and the descriptor stays open


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def accepts(port: int) -> bool:
    """Whether a process accepts connections on the port."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def answers_ok(port: int) -> bool:
    """Whether ``GET /`` answers 200, which is how Google's emulators say that they are ready."""
    try:
        return _http.request("GET", f"http://{LOOPBACK}:{port}/", timeout=1).status == 200  # noqa: PLR2004 - OK
    except urllib3.exceptions.HTTPError:
        return False
